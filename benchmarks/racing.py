"""Racing against a flat grid, on accuracy surfaces whose optimum is known.

    python benchmarks/racing.py [repetitions]

The candidates are the networks of the paper's grid over EfficientNet-B0. Each repetition draws a
surface: accuracy falls with the square of the distance, in the logarithms of depth, width and
resolution, from an optimum somewhere on the grid, grows with the logarithm of the cost, and each
network deviates by a little of its own. A training adds noise of 0.5 points.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.cli.columns import table
from nas.statistics.comparison import Comparison, compare
from nas.trainings.strategies import Race
from scaling_search.grow.grid import Candidate, make_grid
from scaling_search.grow.grid_points import GridSettings
from search_spaces.zoo import zoo

NOISE = 0.5
NEAR = 0.1
SPANS = (2.0, 4.0, 8.0)
"""Percentage points of accuracy between the best and the worst candidate"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One strategy's answer in one repetition."""

    found: bool
    near: bool
    regret: float
    held: bool
    """Whether the winner or one of its ties is the true best"""
    ties: int
    trainings: int


def surface(
    candidates: Sequence[Candidate], span: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """True accuracies in percentage points."""
    places = np.log([c.multipliers.values for c in candidates])
    optimum = places[rng.integers(len(places))] + rng.normal(0, 0.02, 3)
    away = ((places - optimum) ** 2 * rng.uniform(1, 4, 3)).sum(axis=1)
    smooth = np.log([c.realised_ratio for c in candidates]) * rng.uniform(0, 0.1) - away
    smooth *= span / np.ptp(smooth)
    return 80 + smooth + rng.normal(0, 0.1, len(places))


def main(repetitions: int) -> None:
    candidates = make_grid(zoo("efficientnet_b0"), GridSettings()).candidates
    everyone = range(len(candidates))
    race = Race(tuple(everyone), 0, 5 * len(candidates) // 2)
    rows = []
    for span in SPANS:
        findings: dict[str, list[Finding]] = {"grid, 5 seeds": [], "race": []}
        for repetition in range(repetitions):
            rng = np.random.default_rng([repetition, int(span * 10)])
            truth = surface(candidates, span, rng)
            trained = truth[:, None] + rng.normal(0, NOISE, (len(truth), 100))
            flat = {c: dict(enumerate(trained[c, :5])) for c in everyone}
            findings["grid, 5 seeds"].append(judged(compare(flat, everyone), truth, flat))
            raced = run(race, trained)
            findings["race"].append(judged(compare(raced, everyone), truth, raced))
        for name, found in findings.items():
            values = np.array(
                [[f.found, f.near, f.regret, f.held, f.ties, f.trainings] for f in found],
                dtype=float,
            ).mean(axis=0)
            rows.append(
                (
                    f"span {span:g}: {name}",
                    *(f"{v:.1%}" for v in values[:2]),
                    f"{values[2]:.3f}",
                    f"{values[3]:.1%}",
                    *(f"{v:.1f}" for v in values[4:]),
                )
            )
        print(
            table(
                (
                    "",
                    "best found",
                    f"within {NEAR}",
                    "regret",
                    "best in tie set",
                    "tie set",
                    "trainings",
                ),
                rows[-2:],
            ),
            flush=True,
        )


def run(race: Race, trained: NDArray[np.float64]) -> dict[int, dict[int, float]]:
    """The accuracies of all trainings that the race asks for, by candidate and seed."""
    results: dict[tuple[int, int], float | None] = {}
    accuracies: dict[int, dict[int, float]] = {}
    while pairs := race.pending(results):
        for candidate, seed in pairs:
            results[candidate, seed] = float(trained[candidate, seed])
            accuracies.setdefault(candidate, {})[seed] = float(trained[candidate, seed])
    return accuracies


def judged(
    comparison: Comparison, truth: NDArray[np.float64], accuracies: dict[int, dict[int, float]]
) -> Finding:
    best, chosen = int(truth.argmax()), comparison.winner
    regret = float(truth[best] - truth[chosen])
    held = best in {chosen, *comparison.ties}
    trainings = sum(map(len, accuracies.values()))
    return Finding(
        chosen == best, regret <= NEAR, regret, held, len(comparison.ties) + 1, trainings
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
