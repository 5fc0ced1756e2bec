"""The dimensions that networks of a run grow in, as the page's tables and labels name them."""

from collections.abc import Sequence
from typing import Protocol

from search_spaces.arch import Arch


class GrownDimension(Protocol):
    """One dimension, and the constant that says how fast it grows."""

    @property
    def name(self) -> str:
        """`depth`: a column of multipliers."""

    @property
    def constant(self) -> str:
        """`alpha`: a column of constants."""

    @property
    def symbol(self) -> str:
        """`α`: what labels call the constant."""


class Growth(Protocol):
    """What the dimensions of a network are multiplied by."""

    def named(self) -> dict[str, float]:
        """The multipliers by the names of their dimensions."""


class GrowthRule(Protocol):
    """The dimensions that grow together; `scaling_search` has the rules themselves."""

    @property
    def dimensions(self) -> Sequence[GrownDimension]:
        """The dimensions, in the order of their constants."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the dimensions."""

    @property
    def multiplied(self) -> tuple[str, ...]:
        """The names of those that are known by their multiplier, not by their size."""

    @property
    def constant_names(self) -> tuple[str, ...]:
        """The names of the constants."""

    @property
    def symbols(self) -> str:
        """`α, β, γ`."""

    @property
    def formula(self) -> str:
        """`α·β²·γ²`: the growth of cost, were nothing rounded."""

    def realised(self, arch: Arch, baseline: Arch) -> Growth:
        """What each dimension of `arch` is as built, over the baseline's."""
