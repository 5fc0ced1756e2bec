"""Which candidates a step of a supernet's training trains."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol

from nas.supernet.population import Population
from search_spaces.arch import Arch

PathsName = Literal["single", "fair", "sandwich"]

_RANDOM = 2
"""Random candidates of a sandwich."""


@dataclass(frozen=True, slots=True)
class Step:
    """Candidates that one batch trains together."""

    archs: tuple[Arch, ...]
    distils: bool = False
    """Whether the first is trained on the labels alone, and the others on what it answers."""


class Paths(Protocol):
    """Draws the candidates of a step."""

    def __call__(self, rng: random.Random) -> Step: ...


@dataclass(frozen=True, slots=True)
class Single:
    """One candidate a step, drawn uniformly (arXiv 1904.00420)."""

    population: Population

    def __call__(self, rng: random.Random) -> Step:
        return Step((self.population.draw(rng),))


@dataclass(frozen=True, slots=True)
class Fair:
    """As many candidates as a choice has options at most, in which each option occurs equally often
    (arXiv 1907.01845)."""

    population: Population

    def __call__(self, rng: random.Random) -> Step:
        return Step(self.population.fair(rng))


@dataclass(frozen=True, slots=True)
class Sandwich:
    """The largest candidate, the smallest and two random ones, which learn what the largest answers
    (arXiv 2003.11142)."""

    population: Population

    def __call__(self, rng: random.Random) -> Step:
        drawn = (self.population.draw(rng) for _ in range(_RANDOM))
        archs = (self.population.largest, *drawn, self.population.smallest)
        return Step(archs, distils=True)


PATHS: Mapping[PathsName, Callable[[Population], Paths]] = MappingProxyType(
    {"single": Single, "fair": Fair, "sandwich": Sandwich}
)
