"""A model, a race and a flat grid against each other, on surfaces whose optimum is known.

    python benchmarks/racing.py [repetitions [surface ...]]

Surfaces are `quadratic`, `ridge` and `published` of `benchmarks/surfaces.py`, with 2, 4 and 8
points between the best and the worst candidate; a training adds noise of 0.5 points. It takes three
seconds of a core a repetition of each surface and span, on two processes.
"""

import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import surfaces
from numpy.typing import NDArray

from nas.statistics.comparison import compare
from nas.statistics.intervals import mean_error
from nas.trainings.strategies import Pair, Race, Strategy
from nas.verbs.columns import table
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.judge.estimate import estimate, known_tilt
from scaling_search.judge.guided import ModelGuided, believe
from scaling_search.judge.observations import directions_of, places_of
from scaling_search.judge.surface import Seen
from search_spaces.zoo import zoo

NOISE = 0.5
SPANS = (2.0, 4.0, 8.0)
BUDGETS = (46, 57, 92)
RACES = (57, 92, 115)
FIRST = 1000
"""The first repetition: what the model's scales were chosen on came before."""

Floats = NDArray[np.float64]
Results = Mapping[Pair, float | None]

GRID = make_grid(zoo("efficientnet_b0"), GridSettings())
DIRECTIONS = directions_of(GRID)
PLACES = places_of(GRID, DIRECTIONS, ())
TILT = known_tilt(DIRECTIONS)
EVERYONE = tuple(range(len(GRID.candidates)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer in one repetition."""

    regret: float
    """Points by which the best candidate is better than the one named."""
    near: bool
    """Whether that is at most 0.1."""
    held: bool
    """Whether the named candidate or one of its ties is the true best."""
    ties: int
    distance: float
    """How far the named constants are from the true ones, in logarithms."""
    covered: float
    """The part of α, β, γ whose true value is in its 95 % interval; not a number without one."""


def repeat(surface: str, span: float, repetition: int) -> dict[str, Finding]:
    """What each strategy finds in one repetition, by its name and budget."""
    rng = np.random.default_rng([repetition, int(span * 10)])
    truth = getattr(surfaces, surface)(GRID.candidates, span, rng)
    noise = rng.normal(0, NOISE, (len(EVERYONE), 300))
    trained = (truth.accuracies[:, None] + noise) / 100
    found = {
        "grid 230": measured(truth, {(c, s): trained[c, s] for c in EVERYONE for s in range(5)})
    }
    for budget in RACES:
        raced = run(Race(EVERYONE, 0, budget), trained)
        found[f"race {len(raced)}"] = measured(truth, raced)
    guided = ModelGuided(PLACES, EVERYONE, (), DIRECTIONS, 0, BUDGETS[-1], tolerance=0.0)
    everything = list(run(guided, trained).items())
    for budget in BUDGETS:
        found[f"model {budget}"] = modelled(truth, dict(everything[:budget]))
    return found


def run(strategy: Strategy, trained: Floats) -> dict[Pair, float | None]:
    """The accuracies of all trainings that a strategy asks for, in the order of asking.

    All that is pending is trained at once: what is asked for next does not depend on the order.
    """
    results: dict[Pair, float | None] = {}
    while pairs := strategy.pending(results):
        results |= {pair: float(trained[pair]) for pair in pairs}
    return results


def measured(truth: surfaces.Truth, results: Results) -> Finding:
    """The candidate of the highest mean, and its ties."""
    accuracies: dict[int, dict[int, float]] = {}
    for (candidate, seed), accuracy in results.items():
        accuracies.setdefault(candidate, {})[seed] = accuracy or 0.0
    comparison = compare(accuracies, EVERYONE)
    named = np.log(GRID.candidates[comparison.winner].constants.values)
    held = {comparison.winner, *comparison.ties}
    return finding(truth, comparison.winner, held, named, float("nan"))


def modelled(truth: surfaces.Truth, results: Results) -> Finding:
    """The candidate that the model expects to be best, its ties, and its constants."""
    belief = believe(PLACES, EVERYONE, DIRECTIONS, results)
    seen: dict[int, list[float]] = {}
    for (candidate, _), accuracy in results.items():
        seen.setdefault(candidate, []).append(accuracy or 0.0)
    found = estimate(Seen.of(PLACES[list(seen)], list(seen.values())), DIRECTIONS, TILT)
    low, high = np.log(found.low.values), np.log(found.high.values)
    inside = (low - 5e-4 <= truth.constants) & (truth.constants <= high + 5e-4)
    named = np.log(found.named.values)
    return finding(truth, belief.winner, belief.contenders, named, float(inside.mean()))


def finding(
    truth: surfaces.Truth,
    winner: int,
    held: set[int] | frozenset[int],
    named: Floats,
    covered: float,
) -> Finding:
    """How an answer stands against the truth."""
    best = int(truth.accuracies.argmax())
    regret = float(truth.accuracies[best] - truth.accuracies[winner])
    distance = float(np.linalg.norm(named - truth.constants))
    return Finding(regret, regret <= 0.1, best in held, len(held), distance, covered)


def main(repetitions: int, names: list[str]) -> None:
    header = (
        "",
        "regret",
        "within 0.1",
        "best in tie set",
        "tie set",
        "off in log α β γ",
        "covered",
    )
    with ProcessPoolExecutor(2) as pool:
        for surface in names:
            for span in SPANS:
                numbers = range(FIRST, FIRST + repetitions)
                jobs = [pool.submit(repeat, surface, span, number) for number in numbers]
                found = [job.result() for job in jobs]
                rows = [row(name, [each[name] for each in found]) for name in found[0]]
                print(f"{surface}, span {span:g}\n{table(header, rows)}\n", flush=True)


def row(name: str, findings: list[Finding]) -> tuple[str, ...]:
    """The means of a strategy's findings."""
    mean = {f.name: np.mean([getattr(each, f.name) for each in findings]) for f in fields(Finding)}
    error = mean_error([each.regret for each in findings]) or 0.0
    return (
        name,
        f"{mean['regret']:.3f} ± {error:.3f}",
        f"{mean['near']:.1%}",
        f"{mean['held']:.1%}",
        f"{mean['ties']:.1f}",
        f"{mean['distance']:.3f}",
        "" if np.isnan(mean["covered"]) else f"{mean['covered']:.1%}",
    )


if __name__ == "__main__":
    surfaces_asked = sys.argv[2:] or ["quadratic", "ridge", "published"]
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, surfaces_asked)
