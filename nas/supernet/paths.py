"""Which candidates a step of a supernet's training trains."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol

from nas.networks.cost import cost
from search_spaces.arch import Arch
from search_spaces.choices import Choice, Scalar
from search_spaces.space import Params, Space

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

    space: Space

    def __call__(self, rng: random.Random) -> Step:
        return Step((self.space.decode(self.space.sample(rng)),))


@dataclass(frozen=True, slots=True)
class Fair:
    """As many candidates as a choice has options at most, in which each option occurs equally often
    (arXiv 1907.01845); those of a choice with fewer options, as equally as they divide."""

    space: Space

    def __call__(self, rng: random.Random) -> Step:
        count = max((len(choice.options) for choice in self.space.choices), default=1)
        drawn = {choice.name: _in_turn(choice, count, rng) for choice in self.space.choices}
        each = ({name: options[i] for name, options in drawn.items()} for i in range(count))
        return Step(tuple(map(self.space.decode, each)))


@dataclass(frozen=True, slots=True)
class Sandwich:
    """The largest candidate, the smallest and two random ones, which learn what the largest answers
    (arXiv 2003.11142)."""

    space: Space
    largest: Params
    smallest: Params

    @classmethod
    def of(cls, space: Space) -> "Sandwich":
        """Find the options that cost most and least MACs, a choice at a time."""
        return cls(space, _extreme(space, max), _extreme(space, min))

    def __call__(self, rng: random.Random) -> Step:
        drawn = [self.space.sample(rng) for _ in range(_RANDOM)]
        archs = map(self.space.decode, (self.largest, *drawn, self.smallest))
        return Step(tuple(archs), distils=True)


PATHS: Mapping[PathsName, Callable[[Space], Paths]] = MappingProxyType(
    {"single": Single, "fair": Fair, "sandwich": Sandwich.of}
)


def _in_turn(choice: Choice, count: int, rng: random.Random) -> list[Scalar]:
    """Options in random order, all of them before one comes again."""
    options: list[Scalar] = []
    while len(options) < count:
        options += rng.sample(choice.options, len(choice.options))
    return options[:count]


def _extreme(space: Space, of: Callable[..., Scalar]) -> dict[str, Scalar]:
    base = {choice.name: choice.options[0] for choice in space.choices}

    def costs(choice: Choice) -> Callable[[Scalar], tuple[int, int]]:
        def priced(option: Scalar) -> tuple[int, int]:
            found = cost(space.decode({**base, choice.name: option}))
            return found.macs, found.params

        return priced

    return {choice.name: of(choice.options, key=costs(choice)) for choice in space.choices}
