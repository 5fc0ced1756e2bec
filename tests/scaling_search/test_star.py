import hashlib
import random
from dataclasses import dataclass

import numpy as np
import pytest
import yaml

from nas.evaluators.base import Evaluator, Measurement
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grown import macs_ratio
from scaling_search.judge.observations import directions_of, star
from scaling_search.plan import beside, networks_of, strategy_of
from scaling_search.rule.compound import COMPOUND, PAPER
from scaling_search.settings import SweepSettings
from scaling_search.sweep import run_sweep
from search_spaces.errors import UserError
from search_spaces.zoo import zoo
from synthetic import here

B0 = zoo("efficientnet_b0")
SETTINGS = SweepSettings(step=0.1, phis=(0.5, 3.0), budget=60, tolerance_points=0)


@dataclass(frozen=True)
class Turning(Evaluator):
    """Best grown by width where it costs little, and where it costs much by other shares."""

    late: tuple[float, float, float]
    """The shares of depth, width and resolution."""
    sigma: float = 0.001

    def evaluate(self, arch, seed, report):
        realised = COMPOUND.realised(arch, B0)
        growth = np.log(realised.values) * [1, 2, 2] / np.log(2)
        total = max(float(growth.sum()), 1e-9)
        best = np.array((0.1, 0.8, 0.1) if total < 1 else self.late)
        loss = 0.05 * total * float(((growth / total - best) ** 2).sum())
        digest = hashlib.sha256(f"{seed} {arch.key()}".encode()).hexdigest()
        noise = random.Random(digest).gauss(0, self.sigma)
        return Measurement(accuracy=0.7 + 0.01 * np.log2(macs_ratio(arch, B0)) - loss + noise)


def test_a_star_is_the_known_constants_and_two_for_each_dimension():
    grid = make_grid(B0, SETTINGS)
    constants = star(directions_of(grid))
    assert len(constants) == 7
    assert constants[0] == PAPER
    for each in constants:
        assert each.product() == pytest.approx(PAPER.product(), rel=5e-3)
    for index, name in enumerate(("alpha", "beta", "gamma")):
        more, less = constants[1 + 2 * index : 3 + 2 * index]
        assert more[name] > PAPER[name]
        assert less[name] == 1


def test_every_network_of_the_stars_is_trained_once_before_the_grid(tmp_path):
    grid = make_grid(B0, SETTINGS)
    networks, strategy = networks_of(SETTINGS, grid), strategy_of(SETTINGS, grid)
    others = beside(SETTINGS, grid)
    assert {each.phi for each in others[1:]} == {0.5, 3.0}
    keys = [network.arch.key() for network in networks]
    assert len(set(keys)) == len(keys)
    first = len(grid.candidates)
    asked = strategy.pending({})
    assert [index for index, _ in asked if index >= first] == [first, *range(first, len(networks))]


def test_a_direction_that_turns_is_told(tmp_path):
    evaluator = Turning(late=(0.1, 0.1, 0.8))
    result = run_sweep(B0, SETTINGS, evaluator, tmp_path, here(evaluator))
    assert result.turn_with_cost.turns
    written = yaml.safe_load((tmp_path / "constants.yaml").read_text())
    assert written["turn_with_cost"].startswith("The best direction turns with cost:")


def test_a_direction_that_stays_is_not_said_to_turn(tmp_path):
    evaluator = Turning(late=(0.1, 0.8, 0.1))
    result = run_sweep(B0, SETTINGS, evaluator, tmp_path, here(evaluator))
    assert not result.turn_with_cost.turns
    assert result.turn_with_cost.verdict.startswith(
        "The best direction is not seen to turn from φ = 0.5"
    )
    assert result.estimate.constants["beta"] > 1.2
    low, high = (result.estimate.exponents["width"][i] for i in (1, 2))
    assert low <= result.estimate.exponents["width"][0] <= high


@pytest.mark.parametrize(
    ("phis", "said"),
    [
        ((1.0,), "phis: expected numbers above 0 other than phi = 1, got 1.0"),
        ((-0.5,), "phis: expected numbers above 0"),
        ((float("nan"),), "phis: expected numbers above 0"),
        ((0.5, 0.5), "phis: expected each φ once"),
    ],
)
def test_other_phis_are_checked(phis, said):
    with pytest.raises(UserError, match=said):
        SweepSettings(phis=phis)
    with pytest.raises(UserError, match="phis: trained by strategy=model alone"):
        SweepSettings(strategy="race", phis=(0.5,))


def test_a_star_that_rounds_to_the_baseline_is_the_baseline(tmp_path):
    settings = SweepSettings(step=0.1, phis=(0.001,), budget=14, tolerance_points=0)
    networks = networks_of(settings, make_grid(B0, settings))
    assert len({network.arch.key() for network in networks}) == len(networks)
    evaluator = Turning(late=(0.1, 0.8, 0.1))
    result = run_sweep(B0, settings, evaluator, tmp_path, here(evaluator))
    assert len((tmp_path / "sweep.jsonl").read_text("utf-8").splitlines()) == 14
    assert "Too few networks were trained at φ = 0.001" in result.turn_with_cost.verdict
