"""Effects of a factorial experiment: the planted ones, within intervals that mean what they say."""

import itertools

import numpy as np
import pytest

from nas.statistics.factorial import Effect, Effects, factorial_effects, verdict
from nas.statistics.intervals import Interval

FACTORS = ("recipe", "architecture", "scaling")
CELLS = list(itertools.product((False, True), repeat=3))
PLANTED = {("recipe",): 3.2, ("architecture",): 1.1, ("scaling",): 0.3, ("recipe", "scaling"): -0.8}
"""In points; the total is 4.6, for interactions of two cancel between all low and all high."""
EXCHANGED = {("recipe",): 2.4, ("architecture",): 1.1, ("scaling",): -0.5}


def planted(cell: tuple[bool, ...]) -> float:
    sign = dict(zip(FACTORS, np.where(cell, 0.5, -0.5), strict=True))
    points = sum(
        size * 2 ** (len(names) - 1) * np.prod([sign[name] for name in names])
        for names, size in PLANTED.items()
    )
    return float(0.7 + points / 100)


def experiment(
    rng: np.random.Generator, seeds: int = 3, noise: float = 0.005, uneven: bool = False
) -> dict[tuple[bool, ...], dict[int, float]]:
    """Measurements with noise, and with something of their own in each seed."""
    own = rng.normal(0, 0.01, seeds)
    return {
        cell: {
            seed: planted(cell)
            + own[seed]
            + rng.normal(0, noise * (1 + 2 * (uneven and not cell[0])))
            for seed in range(seeds)
        }
        for cell in CELLS
    }


def test_without_noise_the_planted_effects_are_found() -> None:
    found = factorial_effects(FACTORS, experiment(np.random.default_rng(0), noise=0))
    assert found is not None
    for each in (*found.main, *found.interactions):
        expected = PLANTED.get(each.factors, 0.0) / 100
        assert each.size.value == pytest.approx(expected, abs=1e-12)
        assert each.size.high - each.size.low < 1e-9
    for each in found.exchanged:
        assert each.size.value == pytest.approx(EXCHANGED[each.factors] / 100, abs=1e-12)
    assert found.total.value == pytest.approx(0.046, abs=1e-12)


@pytest.mark.parametrize("uneven", [False, True])
def test_intervals_hold_the_planted_effects(uneven: bool) -> None:
    rng, inside = np.random.default_rng(1), []
    for _ in range(1000):
        found = factorial_effects(FACTORS, experiment(rng, uneven=uneven))
        assert found is not None
        pairs = [(e.size, PLANTED.get(e.factors, 0)) for e in (*found.main, *found.interactions)]
        if not uneven:
            pairs += [(each.size, EXCHANGED[each.factors]) for each in found.exchanged]
            pairs.append((found.total, 4.6))
        inside += [size.low <= true / 100 <= size.high for size, true in pairs]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_what_seeds_have_in_common_widens_no_interval() -> None:
    rng = np.random.default_rng(2)
    measured = experiment(rng)
    shifted = {
        cell: {seed: value + seed / 10 for seed, value in of.items()}
        for cell, of in measured.items()
    }
    before, after = (factorial_effects(FACTORS, each) for each in (measured, shifted))
    assert before is not None
    assert after is not None
    assert after.noise == pytest.approx(before.noise)
    assert after.degrees == before.degrees == 14


def test_a_seed_that_one_combination_lacks_costs_no_more_than_itself() -> None:
    measured = experiment(np.random.default_rng(3), noise=0)
    del measured[CELLS[2]][0]
    found = factorial_effects(FACTORS, measured)
    assert found is not None
    assert found.main[0].size.value == pytest.approx(0.032, abs=1e-9)
    assert found.degrees == 13


def test_two_arms_of_two_seeds_have_the_interval_of_students_t() -> None:
    found = factorial_effects(("recipe",), {(False,): {0: 0.1, 1: 0.2}, (True,): {0: 0.5, 1: 0.6}})
    assert found is not None
    (recipe,) = found.main
    # Two standard errors of the mean of 0.05 each, and the quantile of two degrees of freedom.
    assert recipe.size.value == pytest.approx(0.4)
    assert recipe.size.high == pytest.approx(0.4 + 4.302653 * 0.05 * 2**0.5, abs=1e-6)
    assert recipe.size == found.total == found.exchanged[0].size
    assert found.interactions == ()


def test_there_are_no_effects_where_nothing_tells_them() -> None:
    measured = experiment(np.random.default_rng(4))
    assert factorial_effects(FACTORS, {**measured, CELLS[5]: {}}) is None
    assert factorial_effects(FACTORS, {cell: {0: of[0]} for cell, of in measured.items()}) is None


def effect(value: float, reach: float, *factors: str) -> Effect:
    return Effect(factors, Interval(value / 100, (value - reach) / 100, (value + reach) / 100))


def test_the_verdict_says_what_is_told_and_what_is_not() -> None:
    main = tuple(effect(PLANTED[name,], 0.5, name) for name in FACTORS)
    both = effect(-0.8, 0.5, "recipe", "scaling")
    none = effect(0.2, 0.5, "architecture", "scaling")
    found = Effects(main, (both, none), main, effect(4.6, 1).size, noise=0.005, degrees=14)
    assert verdict(found) == (
        "Between all plain and full lie 4.6 [3.6, 5.6] points of proxy accuracy: recipe brings "
        "3.2 [2.7, 3.7], architecture 1.1 [0.6, 1.6] and scaling 0.3 [-0.2, 0.8]; recipe × scaling "
        "interact by -0.8 [-1.3, -0.3]; scaling cannot be told from nothing."
    )
    alone = Effects(main[2:], (), main[2:], main[2].size, noise=0.005, degrees=4)
    assert verdict(alone) == (
        "Between plain and full lie 0.3 [-0.2, 0.8] points of proxy accuracy: scaling brings "
        "0.3 [-0.2, 0.8]; scaling cannot be told from nothing."
    )
