"""What is best in a landscape: of a small space exactly, of a large one as far as is found."""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nas.bench.landscape import Known, Landscape
from nas.search.rewards import pareto_front
from search_spaces.choices import Params
from search_spaces.errors import UserError

_ENUMERABLE = 50_000
"""Spaces up to this size are looked at whole."""
_SAMPLE = 2_000
"""Random networks of a larger space that are looked at first."""
_CLIMBS = 60
"""Of them, the best that a climb starts from."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What findings are compared with."""

    best: float
    """The best true reward."""
    volume: float
    """Hypervolume of the true front; 0 where one objective is sought."""
    worst: float
    """The lowest accuracy, from which hypervolumes are counted,"""
    dearest: float
    """to the highest cost."""
    exact: bool
    """Whether every network was looked at."""

    def hypervolume(self, found: Iterable[Known]) -> float:
        """The area between the found front and the corner of the worst and dearest."""
        return _area(list(found), self.worst, self.dearest)


def survey(landscape: Landscape) -> Survey:
    """Raises UserError where nothing of the space is known."""
    exact = landscape.space.size <= _ENUMERABLE
    first = _all(landscape) if exact else _some(landscape)
    known = _look(landscape, first)
    if not known:
        raise UserError(f"evaluator: knows no network of space {landscape.space.name}")
    corner = min(k.accuracy for _, k in known), max(k.cost for _, k in known)
    if not exact:
        known += _spread(landscape, known) if landscape.is_front else _climb(landscape, known)
    return Survey(
        best=max(landscape.reward_of(k) for _, k in known),
        volume=_area([k for _, k in known], *corner) if landscape.is_front else 0.0,
        worst=corner[0],
        dearest=corner[1],
        exact=exact,
    )


Found = tuple[Params, Known]


def _look(landscape: Landscape, many: Iterable[Params]) -> list[Found]:
    candidates = list(many)
    known = landscape.known([landscape.space.decode(params) for params in candidates])
    return [(p, k) for p, k in zip(candidates, known, strict=True) if k is not None]


def _all(landscape: Landscape) -> Iterable[Params]:
    names = [choice.name for choice in landscape.space.choices]
    for options in itertools.product(*(choice.options for choice in landscape.space.choices)):
        yield dict(zip(names, options, strict=True))


def _some(landscape: Landscape) -> Iterable[Params]:
    rng = random.Random(0)
    return (landscape.space.sample(rng) for _ in range(_SAMPLE))


def _climb(landscape: Landscape, known: Sequence[Found]) -> list[Found]:
    """Where the steepest climbs end."""
    ends = []
    for start in sorted(known, key=lambda one: -landscape.reward_of(one[1]))[:_CLIMBS]:
        best = start
        while True:
            around = _look(landscape, landscape.space.neighbours(best[0]))
            top = max(around, key=lambda one: landscape.reward_of(one[1]), default=best)
            if landscape.reward_of(top[1]) <= landscape.reward_of(best[1]):
                break
            best = top
        ends.append(best)
    return ends


def _spread(landscape: Landscape, known: Sequence[Found]) -> list[Found]:
    """A front none of whose members has a neighbour that would be on it (Pareto local search)."""
    front = _front(known)
    looked_at: set[Known] = set()
    while new := [one for one in front if one[1] not in looked_at]:
        looked_at |= {k for _, k in new}
        around = itertools.chain(*(landscape.space.neighbours(params) for params, _ in new))
        front = _front([*front, *_look(landscape, around)])
    return front


def _front(found: Sequence[Found]) -> list[Found]:
    on_front = pareto_front([(k.accuracy, k.cost) for _, k in found])
    return [one for one, on in zip(found, on_front, strict=True) if on]


def _area(known: Sequence[Known], worst: float, dearest: float) -> float:
    on_front = pareto_front([(k.accuracy, k.cost) for k in known])
    steps = sorted((k.cost, k.accuracy) for k, on in zip(known, on_front, strict=True) if on)
    ends = [cost for cost, _ in steps[1:]] + [dearest]
    return sum(
        max(0.0, accuracy - worst) * max(0.0, min(end, dearest) - cost)
        for (cost, accuracy), end in zip(steps, ends, strict=True)
    )
