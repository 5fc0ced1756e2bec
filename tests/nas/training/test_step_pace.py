"""The time that a training is said to take is near the one that it takes."""

import pytest

from nas.training.step_pace import StepPace


@pytest.mark.parametrize("cold", [0.1, 4.0, 60.0])
def test_cold_steps_do_not_count(cold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("nas.training.step_pace.monotonic", lambda: now)
    pace, told = StepPace(), []
    for step in range(800):
        now += cold if step == 0 else cold / 4 if step < 3 else 0.1
        pace.step()
        left = pace.left(799 - step)
        if left is not None:
            told.append((799 - step, left))
    assert told[0][0] > 790, "it is told within the first few steps"
    assert all(left == pytest.approx(0.1 * missing) for missing, left in told)


def test_nothing_is_told_before_there_is_something_to_go_by() -> None:
    pace = StepPace()
    for _ in range(5):
        assert pace.left(100) is None
        pace.step()
