"""A rule of growth: several dimensions grow together, bound by what that costs."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

from scaling_search.rule.dimension import Dimension
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding
from search_spaces.scaling import scale

Number = TypeVar("Number", float, Fraction)

MOST_TIMES = 4096
"""The largest multiplier that is looked at: some networks do not grow in some dimension."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The dimensions that grow, and the constraint on them: Π constant^exponent ≈ ratio."""

    dimensions: tuple[Dimension, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """`depth`, `width`, `resolution`."""
        return tuple(dimension.name for dimension in self.dimensions)

    @property
    def multiplied(self) -> tuple[str, ...]:
        """`depth`, `width`: the dimensions that are known by their multiplier, not their size."""
        return tuple(dimension.name for dimension in self.dimensions if not dimension.sized)

    @property
    def constant_names(self) -> tuple[str, ...]:
        """`alpha`, `beta`, `gamma`: what files call the constants."""
        return tuple(dimension.constant for dimension in self.dimensions)

    @property
    def symbols(self) -> str:
        """`α, β, γ`."""
        return ", ".join(dimension.symbol for dimension in self.dimensions)

    @property
    def formula(self) -> str:
        """`α·β²·γ²`: what the growth of cost is, were nothing rounded."""
        return "·".join(dimension.symbol + _power(dimension.exponent) for dimension in self)

    def product(self, values: Iterable[Number]) -> Number:
        """Π value^exponent, as exact as the values are: how much dearer they make a network."""
        powers = [v**d.exponent for v, d in zip(values, self.dimensions, strict=True)]
        return math.prod(powers[1:], start=powers[0])

    def constants(self, **named: float) -> "Constants":
        """Constants by their names in files; a dimension left out does not grow."""
        return Constants(self, _ordered(self.constant_names, named))

    def multipliers(self, **named: float) -> "Multipliers":
        """Multipliers by their dimensions' names; a dimension left out stays as it is."""
        return Multipliers(self, _ordered(self.names, named))

    def realised(self, arch: Arch, baseline: Arch) -> "Multipliers":
        """What each dimension of `arch` is as built, over the baseline's."""
        return Multipliers(self, tuple(each.realised(arch, baseline) for each in self))

    def __iter__(self) -> Iterator[Dimension]:
        return iter(self.dimensions)


@dataclass(frozen=True, slots=True)
class Multipliers:
    """What each dimension of a network is multiplied by."""

    rule: Rule
    values: tuple[float, ...]
    """One for each of the rule's dimensions, in their order."""

    def __getitem__(self, name: str) -> float:
        return self.values[self.rule.names.index(name)]

    def named(self) -> dict[str, float]:
        """The multipliers by their dimensions' names."""
        return dict(zip(self.rule.names, self.values, strict=True))

    def nominal_ratio(self) -> float:
        """How much dearer they make a network, were nothing rounded: depth · width² · …."""
        return self.rule.product(self.values)

    def apply(self, baseline: Arch, depth_rounding: DepthRounding = "ceil") -> Arch:
        """The network that `baseline` becomes. Raises UserError as `scale` does."""
        pairs = zip(self.rule, self.values, strict=True)
        arguments: Mapping[str, Any] = {
            dimension.name: dimension.argument(baseline, value) for dimension, value in pairs
        }
        return scale(baseline, **arguments, depth_rounding=depth_rounding)


@dataclass(frozen=True, slots=True)
class Constants:
    """What each dimension is multiplied by as φ grows by one: the paper's α, β, γ."""

    rule: Rule
    values: tuple[float, ...]
    """One for each of the rule's dimensions, in their order."""

    def __post_init__(self) -> None:
        for name, value in self.named().items():
            if not (math.isfinite(value) and value >= 1):
                raise UserError(f"{name}: expected a number of at least 1, got {value}")

    def __getitem__(self, name: str) -> float:
        return self.values[self.rule.constant_names.index(name)]

    def named(self) -> dict[str, float]:
        """The constants by their names in files."""
        return dict(zip(self.rule.constant_names, self.values, strict=True))

    def check_growth(self) -> None:
        """Raises UserError where no dimension grows, whatever φ is."""
        if max(self.values) == 1:
            names = ", ".join(self.rule.constant_names)
            raise UserError(f"{names}: at least one must be above 1 for networks to grow")

    def multipliers(self, phi: float) -> Multipliers:
        """Each constant to the power φ. Raises UserError where φ is so large that one overflows."""
        if not math.isfinite(phi):
            raise UserError(f"phi: expected a finite number, got {phi}")
        try:
            return Multipliers(self.rule, tuple(value**phi for value in self.values))
        except OverflowError:
            raise UserError(f"phi: {phi} is too large for {self.rule.symbols} = {self}") from None

    def phi_of(self, multiplier: float) -> float:
        """The φ at which the dimension that grows fastest is multiplied by `multiplier`."""
        return math.log(multiplier, max(self.values))

    def product(self) -> float:
        """How much dearer one unit of φ makes a network, were nothing rounded."""
        return self.multipliers(1.0).nominal_ratio()

    def nominal_ratio(self, phi: float) -> float:
        """How much dearer φ makes a network, were nothing rounded."""
        return self.multipliers(phi).nominal_ratio()

    def __str__(self) -> str:
        return ", ".join(f"{value:g}" for value in self.values)


_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(exponent: int) -> str:
    """The exponent as a formula has it: nothing for 1, `²`, `¹⁰`."""
    return "" if exponent == 1 else str(exponent).translate(_SUPERSCRIPTS)


def _ordered(names: tuple[str, ...], given: Mapping[str, float]) -> tuple[float, ...]:
    unknown = given.keys() - set(names)
    if unknown:
        raise UserError(f"{min(unknown)}: no such dimension; expected some of {', '.join(names)}")
    return tuple(given.get(name, 1.0) for name in names)
