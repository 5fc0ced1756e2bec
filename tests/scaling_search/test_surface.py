import math

import numpy as np
import pytest

from scaling_search.grow.ablation import ungrown
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.judge.directions import make_directions
from scaling_search.judge.draws import draw_networks, draw_smooth
from scaling_search.judge.observations import directions_of, places_of
from scaling_search.judge.surface import Places, Seen, fit_surface
from scaling_search.rule.compound import COMPOUND
from scaling_search.rule.rule import Rule
from search_spaces.zoo import zoo

GRID = make_grid(zoo("efficientnet_b0"), GridSettings())
DIRECTIONS = directions_of(GRID)
PLACES = places_of(GRID, DIRECTIONS, [ungrown(GRID.baseline, GRID.rule)])
BEST = np.array([0.4, 0.35, 0.25])


def true_accuracy(places, best=BEST, bend=0.05):
    away = places.growth - places.growth.sum(axis=1, keepdims=True) * best
    total = np.maximum(places.growth.sum(axis=1), 1e-9)
    return 0.7 + 0.02 * places.cost - bend * (away**2).sum(axis=1) / total


def trained(places, sigma, seeds, truth=true_accuracy, seed=0):
    rng = np.random.default_rng(seed)
    exact = truth(places)
    return Seen.of(places, [a + rng.normal(0, sigma, seeds) for a in exact])


@pytest.fixture(scope="module")
def surface():
    return fit_surface(trained(PLACES, 0.005, 3), DIRECTIONS)


def test_noise_is_recovered(surface):
    assert surface.noise == pytest.approx(0.005, rel=0.2)


def test_accuracies_are_recovered_and_their_errors_are_right(surface):
    drawn = draw_networks(surface, PLACES, 400)
    errors = drawn.mean(axis=0) - true_accuracy(PLACES)
    assert np.abs(errors).max() < 0.005
    scaled = errors / drawn.std(axis=0)
    assert 0.4 < np.sqrt((scaled**2).mean()) < 1.6


def test_the_best_direction_is_recovered(surface):
    probable = surface.of_directions @ DIRECTIONS.shares
    assert probable == pytest.approx(BEST, abs=0.06)


def test_nothing_seen_gives_the_prior_back():
    nothing = fit_surface(Seen.of(PLACES[[]], []), DIRECTIONS)
    assert nothing.of_directions == pytest.approx(DIRECTIONS.prior)


def test_exact_accuracies_are_no_trouble():
    exact = fit_surface(trained(PLACES, 0.0, 1), DIRECTIONS)
    errors = draw_networks(exact, PLACES, 200).mean(axis=0) - true_accuracy(PLACES)
    assert np.abs(errors[:-1]).max() < 1e-3, "of all but the baseline"
    assert exact.noise < 1e-3


def test_equal_accuracies_everywhere_are_no_trouble():
    level = fit_surface(Seen.of(PLACES, [[0.5]] * len(PLACES)), DIRECTIONS)
    assert draw_networks(level, PLACES, 200) == pytest.approx(0.5, abs=0.01)


def test_equal_calls_draw_equally(surface):
    assert (draw_networks(surface, PLACES, 50) == draw_networks(surface, PLACES, 50)).all()
    assert (draw_smooth(surface, PLACES, 50) == draw_smooth(surface, PLACES, 50)).all()


def test_an_own_deviation_is_told_from_the_surface_by_repetition():
    def lucky(places):
        return true_accuracy(places) + np.where(np.arange(len(places)) == 7, 0.02, 0.0)

    seen = trained(PLACES, 0.004, 6, lucky)
    surface = fit_surface(seen, DIRECTIONS)
    own = draw_networks(surface, PLACES, 300).mean(axis=0)[7]
    smooth = draw_smooth(surface, PLACES, 300).mean(axis=0)[7]
    assert own == pytest.approx(lucky(PLACES)[7], abs=0.004)
    assert smooth == pytest.approx(true_accuracy(PLACES)[7], abs=0.006)


@pytest.mark.parametrize("dimensions", [2, 1])
def test_a_rule_of_fewer_dimensions_has_a_surface(dimensions):
    rule = Rule(tuple(COMPOUND)[:dimensions])
    directions = make_directions(rule, 2.0, 4.0)
    rng = np.random.default_rng(1)
    growth = rng.dirichlet([1] * dimensions, size=20)
    places = Places(growth, rng.uniform(0.9, 1.3, 20))
    best = np.array([0.7, 0.3])[:dimensions] / sum([0.7, 0.3][:dimensions])
    seen = trained(places, 0.002, 2, lambda p: true_accuracy(p, best, 0.1))
    surface = fit_surface(seen, directions)
    assert surface.of_directions @ directions.shares == pytest.approx(best, abs=0.05)
    assert math.isfinite(draw_networks(surface, places, 100).sum())
