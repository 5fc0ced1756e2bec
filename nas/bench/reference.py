"""The best networks of a landscape, which findings are compared with.

Those of a small space are exact; those of a large one are the best that local searches find.
"""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nas.bench.landscape import Landscape, TrueResult
from nas.searches.rewards import pareto_front
from search_spaces.errors import UserError
from search_spaces.space import Params

_ENUMERABLE = 50_000
"""Every network is looked at of spaces up to this size."""
_SAMPLE = 2_000
"""Random networks of a larger space that are looked at first"""
_CLIMBS = 60
"""The best of those random networks, as many as this, each start a climb."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The best that can be found in a landscape."""

    best: float
    """The best true reward"""
    volume: float
    """The hypervolume of the true front; 0 where there is one objective"""
    worst: float
    """The lowest accuracy, with `dearest` the reference point of hypervolumes"""
    dearest: float
    """The highest cost"""
    exact: bool
    """Whether every network was looked at"""

    def hypervolume(self, found: Iterable[TrueResult]) -> float:
        """The area between the front of these results and the reference point."""
        return _area(list(found), self.worst, self.dearest)


def find_reference(landscape: Landscape) -> Reference:
    """The reference of a landscape. Raises UserError where nothing of the space is known."""
    exact = landscape.space.size <= _ENUMERABLE
    first = _all(landscape) if exact else _some(landscape)
    known = _look(landscape, first)
    if not known:
        raise UserError(f"evaluator: knows no network of space {landscape.space.name}")
    corner = min(k.accuracy for _, k in known), max(k.cost for _, k in known)
    if not exact:
        known += _spread(landscape, known) if landscape.is_front else _climb(landscape, known)
    return Reference(
        best=max(landscape.true_reward(k) for _, k in known),
        volume=_area([k for _, k in known], *corner) if landscape.is_front else 0.0,
        worst=corner[0],
        dearest=corner[1],
        exact=exact,
    )


_Evaluated = tuple[Params, TrueResult]


def _look(landscape: Landscape, many: Iterable[Params]) -> list[_Evaluated]:
    candidates = list(many)
    results = landscape.true_results([landscape.space.decode(params) for params in candidates])
    return [(p, r) for p, r in zip(candidates, results, strict=True) if r is not None]


def _all(landscape: Landscape) -> Iterable[Params]:
    names = [choice.name for choice in landscape.space.choices]
    for options in itertools.product(*(choice.options for choice in landscape.space.choices)):
        yield dict(zip(names, options, strict=True))


def _some(landscape: Landscape) -> Iterable[Params]:
    rng = random.Random(0)
    return (landscape.space.sample(rng) for _ in range(_SAMPLE))


def _climb(landscape: Landscape, known: Sequence[_Evaluated]) -> list[_Evaluated]:
    """The ends of the steepest climbs from the best known networks."""
    ends = []
    for start in sorted(known, key=lambda one: -landscape.true_reward(one[1]))[:_CLIMBS]:
        best = start
        while True:
            around = _look(landscape, landscape.space.neighbours(best[0]))
            top = max(around, key=lambda one: landscape.true_reward(one[1]), default=best)
            if landscape.true_reward(top[1]) <= landscape.true_reward(best[1]):
                break
            best = top
        ends.append(best)
    return ends


def _spread(landscape: Landscape, known: Sequence[_Evaluated]) -> list[_Evaluated]:
    """A front whose members have no neighbour that would be on it, by Pareto local search."""
    front = _front(known)
    looked_at: set[TrueResult] = set()
    while new := [one for one in front if one[1] not in looked_at]:
        looked_at |= {k for _, k in new}
        around = itertools.chain(*(landscape.space.neighbours(params) for params, _ in new))
        front = _front([*front, *_look(landscape, around)])
    return front


def _front(found: Sequence[_Evaluated]) -> list[_Evaluated]:
    on_front = pareto_front([(k.accuracy, k.cost) for _, k in found])
    return [one for one, on in zip(found, on_front, strict=True) if on]


def _area(known: Sequence[TrueResult], worst: float, dearest: float) -> float:
    on_front = pareto_front([(k.accuracy, k.cost) for k in known])
    steps = sorted((k.cost, k.accuracy) for k, on in zip(known, on_front, strict=True) if on)
    ends = [cost for cost, _ in steps[1:]] + [dearest]
    return sum(
        max(0.0, accuracy - worst) * max(0.0, min(end, dearest) - cost)
        for (cost, accuracy), end in zip(steps, ends, strict=True)
    )
