"""Which network a whole training is of: a member of the run folder's family, or one of its own."""

from pathlib import Path

import pytest

import nas
from nas.verbs.whole_trainings import Asked, asked_network

UNSAID = {"name": None, "resolution": None}


@pytest.fixture
def family(tmp_path: Path) -> nas.Family:
    return nas.scale(
        "efficientnet_b0", {"alpha": 1.2, "beta": 1.1, "gamma": 1.15}, run=tmp_path, phis=[1, 2]
    )


def test_a_network_of_the_family_is_trained_as_that_member(family: nas.Family) -> None:
    assert asked_network(family[2], UNSAID, family.run) == Asked("b2", family[2], 2.0)
    renamed = family[2].replace(name="mine")
    assert asked_network(renamed, UNSAID, family.run).name == "b2"


def test_another_network_is_trained_as_it_stands(family: nas.Family) -> None:
    other = nas.zoo("mobilenet_v2")
    assert asked_network(other, UNSAID, family.run) == Asked("mobilenet_v2", other, 0.0)


def test_a_name_and_pixels_may_be_said(family: nas.Family) -> None:
    asked = asked_network(family[1], {"name": "small", "resolution": 64}, family.run)
    assert (asked.name, asked.arch.resolution, asked.phi) == ("small", 64, 1.0)


def test_pixels_that_vanish_are_a_mistake(family: nas.Family) -> None:
    with pytest.raises(nas.UserError, match="resolution: 8 px: "):
        asked_network(family[1], {"name": None, "resolution": 8}, family.run)
