import random

import pytest

from chaos import Chaos, expected, recorded


@pytest.mark.parametrize(("executor", "kills"), [("ray_tune", 10), ("local", 12)])
def test_whoever_is_killed_whenever_the_records_are_those_of_an_undisturbed_sweep(
    executor, kills, two_nodes, tmp_path
):
    address = two_nodes.address if executor == "ray_tune" else ""
    chaos = Chaos(tmp_path, address, random.Random(0))
    chaos.run(kills=kills, drivers=2)
    assert chaos.drivers + chaos.workers == kills
    for folder in chaos.sweeps:
        assert recorded(folder) == expected()
