"""One dimension in which a network grows."""

from collections.abc import Callable
from dataclasses import dataclass

from search_spaces.arch import Arch
from search_spaces.errors import UserError, shown


@dataclass(frozen=True, slots=True)
class Dimension:
    """What a network has more or less of, and what that does to its cost."""

    name: str
    """`depth`: the argument of `search_spaces.scaling.scale` that grows it, and a column's name."""
    constant: str
    """`alpha`: what files and settings call its multiplier for one unit of φ."""
    symbol: str
    """`α`: what tables and pages call that multiplier."""
    exponent: int
    """MACs grow with the multiplier to this power, at least 1: what grows for nothing needs no
    constant."""
    unit: str
    """What its size is counted in: `layers`."""
    size: Callable[[Arch], float]
    """How much of it a network has."""
    rounded: Callable[[float], int] | None = None
    """What rounds the size that `scale` is told; None where `scale` is told the multiplier."""
    most: int | None = None
    """The largest size that `scale` may be told."""

    def __post_init__(self) -> None:
        if type(self.exponent) is not int or self.exponent < 1:
            raise UserError(
                f"{self.name}: exponent: expected a whole number of at least 1, got "
                f"{shown(self.exponent)}"
            )

    @property
    def sized(self) -> bool:
        """Whether `scale` is told a size, a whole number of `unit`, and no multiplier."""
        return self.rounded is not None

    def argument(self, baseline: Arch, multiplier: float) -> float:
        """What `scale` is told, so that `baseline` grows by `multiplier` in this dimension.

        Raises UserError for a multiplier that makes the size larger than it may be.
        """
        if self.rounded is None:
            return multiplier
        size = self.size(baseline)
        if self.most is not None and not 0 < multiplier <= self.most / size:
            raise UserError(
                f"{self.name}: {multiplier:g} times {size:g} {self.unit}; expected at most "
                f"{self.most}"
            )
        return self.rounded(size * multiplier)

    def realised(self, arch: Arch, baseline: Arch) -> float:
        """What the dimension is multiplied by in `arch` as built: its size over the baseline's."""
        return self.size(arch) / self.size(baseline)
