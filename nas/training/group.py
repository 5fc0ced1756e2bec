"""The processes that train one network together: which one this is, and what they share."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from torch import Tensor, nn

T = TypeVar("T")


class Group(Protocol):
    """The processes of one training. Each takes its slice of every batch."""

    @property
    def rank(self) -> int:
        """The number of this process, from 0; process 0 writes."""
        ...

    @property
    def ranks(self) -> int:
        """How many processes there are."""
        ...

    def wrapped(self, model: nn.Module, freezes: bool) -> nn.Module:
        """The model to run in training, whose gradients are the mean over all processes.

        All begin with the weights of process 0. `freezes` says that some parameters may get no
        gradient in a step.
        """
        ...

    def total(self, values: Tensor) -> Tensor:
        """The sum of the processes' values, which each of them gets."""
        ...

    def gathered(self, found: T) -> list[T]:
        """What each process found, in the order of their ranks, in all of them."""
        ...

    def shared(self, find: Callable[[], T]) -> T:
        """What process 0 finds, in all of them. Where it raises an error, the others end too."""
        ...

    def spread(self, model: nn.Module) -> None:
        """Give the model, in each process, the running statistics that process 0 has."""
        ...


class Alone:
    """One process."""

    rank = 0
    ranks = 1

    def wrapped(self, model: nn.Module, freezes: bool) -> nn.Module:
        """The model itself."""
        return model

    def total(self, values: Tensor) -> Tensor:
        """The values as they are."""
        return values

    def gathered(self, found: T) -> list[T]:
        """What it found."""
        return [found]

    def shared(self, find: Callable[[], T]) -> T:
        """What it finds."""
        return find()

    def spread(self, model: nn.Module) -> None:
        """Nothing: there is no other."""


ALONE = Alone()
