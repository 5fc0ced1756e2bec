import random

from chaos import Chaos, expected, recorded


def test_whoever_is_killed_whenever_the_records_are_those_of_an_undisturbed_sweep(
    two_nodes, tmp_path
):
    chaos = Chaos(tmp_path, two_nodes.address, random.Random(0))
    chaos.run(kills=20, drivers=3)
    assert chaos.drivers + chaos.workers == 20
    assert recorded(tmp_path) == expected()
