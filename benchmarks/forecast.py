"""How often the forecast of a family's members holds, on surfaces that are known at every φ.

    python benchmarks/forecast.py [repetitions]

A sweep of the paper's grid around EfficientNet-B0 by its default strategy; noise of 0.5 points. Two
kinds of truth: accuracy saturates exponentially in the effective cost, or falls short of its limit
by a power of it, with a ridge. Growth in a wrong direction makes cost less effective.
"""

import math
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nas.trainings.record import TrainingRecord
from nas.verbs.columns import table
from scaling_search.grow.family import formula_family
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grown import Grown
from scaling_search.judge.estimate import estimate, known_tilt
from scaling_search.judge.forecast import forecast_family
from scaling_search.judge.observations import directions_of, observe, places_by_key, places_of
from scaling_search.plan import networks_of, strategy_of
from scaling_search.settings import SweepSettings
from search_spaces.zoo import zoo

NOISE = 0.005
EXPONENTS = np.array([1.0, 2.0, 2.0])
Floats = NDArray[np.float64]
Truth = Callable[[Floats, float], float]
"""Accuracy by the logarithms of the multipliers, and by the realised cost ratio."""


def saturating(rng: np.random.Generator) -> Truth:
    """0.9 less what an exponential in the effective φ leaves; a quadratic loss of direction."""
    best, pace, room = rng.dirichlet([2, 2, 3]), rng.uniform(0.1, 0.7), rng.uniform(0.05, 0.3)
    bend = rng.uniform(0.3, 3)

    def accuracy(logs: Floats, cost: float) -> float:
        total, away = _total(logs), _share(logs) - best
        effective = math.log2(cost) - total * 0.5 * bend * float(away @ away)
        return 0.9 - room * math.exp(-pace * effective)

    return accuracy


def power_law(rng: np.random.Generator) -> Truth:
    """A power law in cost, whose exponent is smaller away from a sharp ridge."""
    best, room = rng.dirichlet([2, 2, 3]), rng.uniform(0.1, 0.4)
    exponent, sharp = rng.uniform(0.15, 0.6), rng.uniform(0.2, 1)

    def accuracy(logs: Floats, cost: float) -> float:
        away = np.abs(_share(logs) - best).sum()
        return 0.92 - room * float(cost ** (-exponent * (1 - sharp * away**1.5 / 3)))

    return accuracy


def _total(logs: Floats) -> float:
    return float(logs @ EXPONENTS) / math.log(2)


def _share(logs: Floats) -> Floats:
    total = max(float(logs @ EXPONENTS), 1e-9)
    shares: Floats = logs * EXPONENTS / total
    return shares


def repeat(kind: Callable[[np.random.Generator], Truth], repetition: int) -> list[tuple[bool, ...]]:
    """For each of B1 to B7, whether the interval holds the truth; and how wide it is."""
    rng = np.random.default_rng(repetition)
    truth, settings = kind(rng), SweepSettings()
    grid = make_grid(zoo("efficientnet_b0"), settings)
    networks, strategy = networks_of(settings, grid), strategy_of(settings, grid)
    results: dict[tuple[int, int], float | None] = {}
    while pairs := strategy.pending(results):
        index, seed = pairs[0]
        labels = networks[index].labels
        logs = np.log([float(labels[name]) for name in grid.rule.names])
        results[index, seed] = truth(logs, float(labels["realised_ratio"])) + rng.normal(0, NOISE)
    records = [
        TrainingRecord(
            arch=networks[i].arch, seed=s, state="finished", accuracy=a, labels=networks[i].labels
        )
        for (i, s), a in results.items()
    ]
    directions = directions_of(grid)
    seen = observe(
        records, grid.baseline, directions, places_by_key(grid, places_of(grid, directions))
    )
    constants = estimate(seen, directions, known_tilt(directions)).constants
    members = formula_family(grid.baseline, constants)[1:]
    found = forecast_family(members, records, directions, constants=constants, tolerance=0.001)
    assert found is not None
    return [
        (f.low <= _true(truth, m) <= f.high, f.high - f.low, f.accuracy - _true(truth, m))
        for m, f in zip(members, found.members, strict=True)
    ]


def _true(truth: Truth, member: Grown) -> float:
    return truth(np.log(member.multipliers.values), member.realised_ratio)


def main(repetitions: int) -> None:
    for kind in (saturating, power_law):
        found = np.array([repeat(kind, n) for n in range(repetitions)])
        rows = [
            (f"B{i + 1}", f"{c:.1%}", f"{100 * w:.1f}", f"{100 * e:.2f}")
            for i, (c, w, e) in enumerate(
                zip(
                    found[:, :, 0].mean(axis=0),
                    found[:, :, 1].mean(axis=0),
                    np.abs(found[:, :, 2]).mean(axis=0),
                    strict=True,
                )
            )
        ]
        print(kind.__name__)
        print(table(("", "covered", "width, points", "mean error, points"), rows), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
