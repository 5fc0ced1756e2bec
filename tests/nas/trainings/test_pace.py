"""The time of trainings to come, from those that are finished."""

import pytest

from nas.trainings.pace import Pace

MACS = [200e6, 460e6, 330e6, 360e6, 280e6, 210e6, 230e6, 230e6, 250e6, 700e6, 240e6, 810e6]


def took(macs: float) -> float:
    """Seconds, of which a part is the same for all networks: as example runs have it."""
    return 5 + 2.5e-8 * macs


@pytest.mark.parametrize("cold", [0.0, 15.0])
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_first_estimate_is_within_half_as_much_again(workers: int, cold: float) -> None:
    pace = Pace(workers)
    for place in range(workers):
        pace.add(MACS[place], took(MACS[place]) + cold)
    if not cold:
        truth = sum(map(took, MACS[workers:])) / workers
        told = pace.left(MACS[workers:])
        assert told is not None
        assert truth / 1.5 <= told <= truth * 1.5
    for place in range(workers, workers + 2):
        pace.add(MACS[place], took(MACS[place]))
    truth = sum(map(took, MACS[workers + 2 :])) / workers
    told = pace.left(MACS[workers + 2 :])
    assert told is not None
    assert truth / 1.5 <= told <= truth * 1.5, "the first of each worker counts no longer"


def test_workers_that_finish_together_do_not_look_fast() -> None:
    pace = Pace(workers=2)
    pace.add(1e8, 10.0)
    pace.add(1e8, 10.1)
    left = pace.left([1e8] * 20)
    assert left == pytest.approx(100.5)


def test_nothing_is_told_before_a_training_is_finished() -> None:
    assert Pace().left([1e8]) is None
    assert Pace().seconds(1e8) is None
    assert not Pace().known
