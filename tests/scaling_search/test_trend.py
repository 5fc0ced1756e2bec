import math

import numpy as np
import pytest
from scaling_search.judge.trend import Observation, fit_trend

from scaling_search.grow.grid import make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")
BEST = np.log([1.25, 1.12, 1.13])


def multipliers(depth, width, resolution):
    return COMPOUND.multipliers(depth=depth, width=width, resolution=resolution)


def true_accuracy(grown):
    logs = np.log(grown.values)
    return 0.7 + 0.03 * float(logs @ [1, 2, 2]) - 0.3 * float(((logs - BEST) ** 2).sum())


@pytest.fixture(scope="module")
def trend():
    rng = np.random.default_rng(0)
    return fit_trend(
        Observation(grown, true_accuracy(grown) + rng.normal(0, 0.005))
        for candidate in make_grid(B0, GridSettings()).candidates
        for grown in [candidate.realised]
        for _ in range(3)
    )


def test_noise_and_accuracies_are_recovered(trend):
    assert trend.noise == pytest.approx(0.005, rel=0.15)
    grown = multipliers(1.3, 1.1, 1.12)
    mean, stderr = trend.predict(grown)
    assert 0 < stderr < 0.003
    assert abs(mean - true_accuracy(grown)) < 3 * stderr


def test_the_best_direction_is_near_the_true_one(trend):
    found = trend.best_direction(phi=1)
    constants = found.constants
    assert constants.product() == pytest.approx(2, rel=1e-3)
    grown = constants.multipliers(1)
    assert true_accuracy(grown) > true_accuracy(multipliers(*np.exp(BEST))) - 0.002
    for name, true in zip(("alpha", "beta", "gamma"), np.exp(BEST), strict=True):
        assert found.low[name] - 0.02 <= true <= found.high[name] + 0.02


def test_it_says_where_it_extrapolates(trend):
    assert not trend.best_direction(phi=1).extrapolates
    assert trend.best_direction(phi=3).extrapolates
    assert trend.extrapolates(multipliers(4, 1, 1))
    near, far = trend.predict(multipliers(1.3, 1.1, 1.12)), trend.predict(multipliers(4, 2, 2))
    assert far[1] > 3 * near[1]


def test_realised_growth_is_that_of_the_network_as_built():
    grown = COMPOUND.realised(multipliers(1.2, 1.0, 1.15).apply(B0), B0)
    assert grown.named() == {"depth": 23 / 16, "width": 1, "resolution": 258 / 224}
    assert COMPOUND.realised(B0, B0) == multipliers(1, 1, 1)


def test_too_few_networks_make_no_surface():
    few = [Observation(multipliers(1 + i / 10, 1, 1), 0.5) for i in range(11)] * 3
    with pytest.raises(UserError, match="at least 12 different networks, there are 11"):
        fit_trend(few)


def test_equal_accuracies_make_a_flat_surface():
    grid = make_grid(B0, GridSettings())
    flat = fit_trend(Observation(c.multipliers, 0.5) for c in grid.candidates)
    mean, _ = flat.predict(multipliers(1.2, 1.1, 1.1))
    assert math.isclose(mean, 0.5, abs_tol=1e-6)
