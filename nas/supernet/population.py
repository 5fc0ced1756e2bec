"""The networks that a supernet holds: those of a space, or some that are named."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from nas.networks.cost import cost
from nas.supernet.cover import cover
from search_spaces.arch import Arch
from search_spaces.choices import Choice, Scalar
from search_spaces.space import Params, Space


class Population(Protocol):
    """Networks that share weights, and ways to draw some of them."""

    def cover(self) -> Iterator[Arch]:
        """Give networks that have, between them, every block of any."""
        ...

    def draw(self, rng: random.Random) -> Arch:
        """Draw a network uniformly."""
        ...

    def fair(self, rng: random.Random) -> tuple[Arch, ...]:
        """Draw networks in which each option of a choice occurs equally often."""
        ...

    @property
    def largest(self) -> Arch:
        """The network of most MACs."""
        ...

    @property
    def smallest(self) -> Arch:
        """The network of least MACs."""
        ...


@dataclass(frozen=True)
class OfSpace:
    """All networks of a space."""

    space: Space

    def cover(self) -> Iterator[Arch]:
        """Give networks that have every block of the space. Raises UserError as `cover` does."""
        return cover(self.space)

    def draw(self, rng: random.Random) -> Arch:
        """Draw an option of every choice."""
        return self.space.decode(self.space.sample(rng))

    def fair(self, rng: random.Random) -> tuple[Arch, ...]:
        """Draw as many networks as a choice has options at most, with each option in one; those of
        a choice with fewer options, as equally as they divide."""
        count = max((len(choice.options) for choice in self.space.choices), default=1)
        drawn = {choice.name: _in_turn(choice, count, rng) for choice in self.space.choices}
        each = ({name: options[i] for name, options in drawn.items()} for i in range(count))
        return tuple(map(self.space.decode, each))

    @cached_property
    def largest(self) -> Arch:
        """The network of the options that cost most MACs, a choice at a time."""
        return self.space.decode(_extreme(self.space, max))

    @cached_property
    def smallest(self) -> Arch:
        """The network of the options that cost least MACs, a choice at a time."""
        return self.space.decode(_extreme(self.space, min))


@dataclass(frozen=True)
class Named:
    """Some networks, at least one, such as those that a baseline is grown to."""

    networks: Sequence[Arch]

    def cover(self) -> Iterator[Arch]:
        """Give every network."""
        return iter(self.networks)

    def draw(self, rng: random.Random) -> Arch:
        """Draw one of them."""
        return rng.choice(self.networks)

    def fair(self, rng: random.Random) -> tuple[Arch, ...]:
        """Give each of them: they are the options of the only choice there is."""
        return tuple(self.networks)

    @cached_property
    def largest(self) -> Arch:
        """The network of most MACs."""
        return max(self.networks, key=_size)

    @cached_property
    def smallest(self) -> Arch:
        """The network of least MACs."""
        return min(self.networks, key=_size)


def _size(arch: Arch) -> tuple[int, int]:
    found = cost(arch)
    return found.macs, found.params


def _in_turn(choice: Choice, count: int, rng: random.Random) -> list[Scalar]:
    """Options in random order, all of them before one comes again."""
    options: list[Scalar] = []
    while len(options) < count:
        options += rng.sample(choice.options, len(choice.options))
    return options[:count]


def _extreme(space: Space, of: Callable[..., Scalar]) -> Params:
    base = {choice.name: choice.options[0] for choice in space.choices}

    def costs(choice: Choice) -> Callable[[Scalar], tuple[int, int]]:
        return lambda option: _size(space.decode({**base, choice.name: option}))

    return {choice.name: of(choice.options, key=costs(choice)) for choice in space.choices}
