"""What intervals and standard errors promise, and that each is defined once."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from nas.statistics.comparison import within_noise
from nas.statistics.intervals import (
    Interval,
    mean_error,
    mean_interval,
    mean_intervals,
    mean_share_interval,
    share_error,
    share_interval,
)
from nas.statistics.rank_correlation import kendall, kendall_tau


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_intervals_hold_their_mean(values: list[float]) -> None:
    interval = mean_interval(np.array(values))
    assert interval.low <= interval.value + 1e-9
    assert interval.value <= interval.high + 1e-9


@pytest.mark.parametrize("least", [1, 5, 30])
@pytest.mark.parametrize("rare", [0.95, 0.5])
def test_the_interval_of_a_mean_of_shares_holds_it_as_often_as_it_says(
    least: int, rare: float
) -> None:
    """Whether rare classes are as well told apart as others, or far worse.

    How far the images of one class differ, a single one does not tell.
    """
    rng = np.random.default_rng(7)
    of = np.repeat([least, 20 * least], [20, 20])
    true = np.repeat([rare, 0.95], [20, 20])
    found = [mean_share_interval(rng.binomial(of, true), of) for _ in range(2000)]
    held = np.mean([each.low <= true.mean() <= each.high for each in found])
    assert held >= (0.93 if least > 1 else 0.91)


def test_the_variance_of_a_mean_of_shares_is_that_of_each() -> None:
    hits, of = np.array([5, 990, 0]), np.array([10, 1000, 0])
    found = mean_share_interval(hits, of)
    mean = (0.5 + 0.99) / 2
    variance = (0.5 * 0.5 / 10 + 0.99 * 0.01 / 1000) / 4
    trials, z = mean * (1 - mean) / variance, 1.96
    middle = (mean + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(mean * (1 - mean) / trials + (z / trials) ** 2 / 4)
    assert (found.value, found.low, found.high) == pytest.approx(
        (mean, middle - half, middle + half)
    )


def test_a_mean_of_shares_that_are_all_hits_is_not_certain() -> None:
    of = np.full(10, 3)
    found, all_together = mean_share_interval(of, of), share_interval(30, 30)
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(all_together.low)


def test_a_share_has_wilsons_interval() -> None:
    found = share_interval(42, 50)
    assert (found.low, found.high) == (
        pytest.approx(0.715, abs=1e-3),
        pytest.approx(0.917, abs=1e-3),
    )
    assert share_interval(50, 50).high == 1


def test_a_mean_has_the_interval_of_scipys_bootstrap():
    values = np.random.default_rng(0).exponential(size=40)
    ours = mean_interval(values)
    theirs = bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_a_column_has_the_interval_that_it_has_alone():
    values = np.random.default_rng(0).normal(size=(12, 3))
    means, lows, highs = mean_intervals(values)
    for column, (mean, low, high) in enumerate(zip(means, lows, highs, strict=True)):
        alone = mean_interval(np.ascontiguousarray(values[:, column]))
        assert (alone.value, alone.low, alone.high) == pytest.approx((mean, low, high), rel=1e-12)


def test_an_interval_is_spelt_in_any_format():
    assert f"{Interval(0.5, 0.25, 0.75):.2f}" == "0.50 [0.25, 0.75]"
    assert f"{Interval(0.5, 0.25, 0.75):.0%}" == "50% [25%, 75%]"


def test_the_error_of_a_share_is_that_of_its_trials():
    trials = np.random.default_rng(0).random((2000, 100)) < 0.8
    assert share_error(0.8, 100) == pytest.approx(trials.mean(axis=1).std(), rel=0.05)


def test_a_mean_of_one_value_has_no_error():
    assert mean_error([0.5]) is None
    assert mean_error([0.4, 0.6]) == pytest.approx(0.1)


@pytest.mark.parametrize(("gap", "error", "tied"), [(0.1, 0.051, True), (0.1, 0.049, False)])
def test_values_tie_within_two_standard_errors(gap: float, error: float, tied: bool):
    assert within_noise(0.9, 0.0, 0.9 - gap, error) is tied
    both = error / math.sqrt(2)
    assert within_noise(0.9, both, 0.9 - gap, both) is tied


def test_values_without_an_error_never_tie():
    assert not within_noise(0.9, 0.0, 0.9, 0.0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12))
def test_both_ways_to_tau_agree(points: list[tuple[int, int]]):
    scores, truth = ([float(value) for value in each] for each in zip(*points, strict=True))
    tau = kendall_tau(scores, truth)
    assert kendall(scores, truth).value == pytest.approx(0.0 if math.isnan(tau) else tau, abs=1e-9)
