import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_search.judge.directions import make_directions, tilt_to_mean, tilted
from scaling_search.rule.compound import COMPOUND, PAPER
from scaling_search.rule.published import FAMILIES, known_direction, published_concentration
from scaling_search.rule.rule import Rule

DEPTH, WIDTH, RESOLUTION = COMPOUND


def test_what_is_known_are_the_papers_constants():
    directions = make_directions(COMPOUND, PAPER.product(), 1.4)
    assert directions.constants(directions.known) == PAPER
    assert directions.growths(np.log(PAPER.values)) == pytest.approx(directions.known)


def test_every_direction_costs_one_unit_and_keeps_to_the_largest_constant():
    directions = make_directions(COMPOUND, 2.0, 1.4)
    assert directions.shares.sum(axis=1) == pytest.approx(1)
    assert directions.prior.sum() == pytest.approx(1)
    for shares in directions.shares:
        constants = directions.constants(shares)
        assert constants.product() == pytest.approx(2, rel=5e-3)
        assert max(constants.values) <= 1.4 * 2 ** (directions.step / 2)


@pytest.mark.parametrize("rule", [Rule((DEPTH, WIDTH)), Rule((WIDTH,)), COMPOUND])
def test_any_rule_has_directions(rule):
    directions = make_directions(rule, 2.0, 4.0)
    count = len(rule.dimensions)
    assert directions.plane.shape == (count, count - 1)
    assert directions.plane.sum(axis=0) == pytest.approx(0)
    assert directions.plane.T @ directions.plane == pytest.approx(np.eye(count - 1))
    if rule is not COMPOUND:
        assert known_direction(rule) == pytest.approx(np.full(count, 1 / count))


def test_published_families_differ_much_and_the_prior_with_them():
    shares = np.array([family.shares for family in FAMILIES])
    assert shares.sum(axis=1) == pytest.approx(1)
    assert shares[0] == pytest.approx(
        [math.log(1.2) / math.log(PAPER.product()), 0.2922, 0.4284], abs=1e-4
    )
    apart = ((shares - shares[0]) ** 2).sum(axis=1).mean()
    centre, concentration = known_direction(COMPOUND), published_concentration(COMPOUND)
    variance = centre * (1 - centre) / (concentration + 1)
    assert variance.sum() == pytest.approx(apart), "a Dirichlet distribution as wide as they are"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_tilted_weights_have_the_mean_that_is_asked_for(seed):
    rng = np.random.default_rng(seed)
    points = rng.dirichlet([1, 1, 1], size=60)
    mean = rng.dirichlet([5, 5, 5]) * 0.6 + points.mean(axis=0) * 0.4
    weights = tilted(points, tilt_to_mean(points, mean))
    if (points.min(axis=0) < mean).all() and (points.max(axis=0) > mean).all():
        assert weights @ points == pytest.approx(mean, abs=1e-5)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()


def test_a_mean_that_no_weights_have_leaves_them_alone():
    points = np.array([[0.5, 0.5], [0.4, 0.6]])
    assert tilted(points, tilt_to_mean(points, np.array([0.1, 0.9]))).tolist() == [0.5, 0.5]
