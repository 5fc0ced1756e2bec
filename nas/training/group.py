"""The processes that train one network together: which one this is, and what they add up."""

from typing import Protocol

from torch import Tensor, nn


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

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model to run in training, whose gradients are the mean over all processes."""
        ...

    def total(self, values: Tensor) -> Tensor:
        """The sum of the processes' values, which each of them gets."""
        ...


class Alone:
    """One process."""

    rank = 0
    ranks = 1

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model itself."""
        return model

    def total(self, values: Tensor) -> Tensor:
        """The values as they are."""
        return values


ALONE = Alone()
