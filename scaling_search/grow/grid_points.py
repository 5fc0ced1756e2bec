"""Which constants a grid tries, by exact arithmetic.

EfficientNet (arXiv 1905.11946), §3.3, step 1: a grid over α, β, γ under α · β² · γ² ≈ 2.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Literal

from scaling_search.rule.compound import COMPOUND
from scaling_search.rule.rule import Constants, Rule
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding

_MOST_STEPS = 400


@dataclass(frozen=True, kw_only=True)
class GridSettings:
    """Which constants are tried, and how they become networks."""

    phi: float = 1.0
    """The φ the candidates are built at; above 1 is a grid directly around a larger model."""
    step: float = 0.05
    """The distance between neighbouring values of each constant."""
    max: float = 1.4
    """The largest value of each constant; the smallest is 1."""
    ratio: float = 2.0
    """How much dearer one unit of φ should make a network."""
    constraint: Literal["nominal", "realised"] = "nominal"
    """`nominal`: |α·β²·γ² − ratio| ≤ tolerance, as in the paper; `realised`: the cost of the
    network as built is within the fraction `within` of ratio^φ times the baseline's."""
    tolerance: float = 0.1
    """How far from the ratio the nominal constraint lets a product be; under 0.08 it rejects the
    paper's own 1.2, 1.1, 1.15."""
    within: float = 0.1
    """The fraction by which the realised constraint lets a cost miss its target: 0.1 for ±10 %."""
    depth_rounding: DepthRounding = "ceil"
    """How layers are rounded: `ceil` as released, `round` to tell candidates apart better."""

    def __post_init__(self) -> None:
        _positive("phi", self.phi)
        _positive("step", self.step)
        if not (math.isfinite(self.max) and self.max >= 1):
            raise UserError(f"max: expected a number of at least 1, got {self.max}")
        if (self.max - 1) / self.step > _MOST_STEPS:
            raise UserError(f"step: {self.step} makes over {_MOST_STEPS} values up to {self.max}")
        if not (math.isfinite(self.ratio) and self.ratio > 1):
            raise UserError(f"ratio: expected a number above 1, got {self.ratio}")
        for name, value in (("tolerance", self.tolerance), ("within", self.within)):
            if not (math.isfinite(value) and value >= 0):
                raise UserError(f"{name}: expected a number of at least 0, got {value}")
        if self.depth_rounding not in ("ceil", "round"):
            raise UserError(f"depth_rounding: expected ceil or round, got {self.depth_rounding!r}")
        if self.constraint not in ("nominal", "realised"):
            raise UserError(f"constraint: expected nominal or realised, got {self.constraint!r}")

    def target_ratio(self) -> float:
        """What the candidates should cost, as a multiple of the baseline: ratio^φ."""
        return float(self.ratio**self.phi)


def nominal_points(settings: GridSettings, rule: Rule = COMPOUND) -> list[Constants]:
    """The grid points whose product is within the tolerance of the ratio, ascending.

    The arithmetic is exact. Raises UserError where there is none.
    """
    ratio, tolerance = _exact(settings.ratio), _exact(settings.tolerance)
    points = sorted(_between(values(settings), ratio - tolerance, ratio + tolerance, rule))
    if not points:
        raise UserError(_nothing_near(settings, rule))
    return [Constants(rule, tuple(map(float, point))) for point in points]


def values(settings: GridSettings) -> list[Fraction]:
    """The values of each constant, ascending from 1."""
    # In floating point 1 + 4 * 0.05 is not 1.2, and a point on the edge of the tolerance would
    # come or go by chance.
    step = _exact(settings.step)
    count = int((_exact(settings.max) - 1) / step)
    return [1 + index * step for index in range(count + 1)]


def _exact(value: float) -> Fraction:
    return Fraction(str(value))


def _between(
    values: Sequence[Fraction], low: Fraction, high: Fraction, rule: Rule
) -> Iterator[tuple[Fraction, ...]]:
    """Points whose product Π value^exponent is from `low` to `high`."""
    first, *others = ([value**each.exponent for value in values] for each in rule)

    def rests(index: int, so_far: Fraction) -> Iterator[tuple[tuple[Fraction, ...], Fraction]]:
        """Values of the dimensions from `index` on, and their part of the product."""
        if index == len(others):
            yield (), so_far
            return
        for value, power in zip(values, others[index], strict=True):
            if so_far * power > high:  # and the others are at least 1
                return
            for rest, whole in rests(index + 1, so_far * power):
                yield (value, *rest), whole

    for rest, part in rests(0, Fraction(1)):
        start, stop = bisect_left(first, low / part), bisect_right(first, high / part)
        yield from ((value, *rest) for value in values[start:stop])


def _nothing_near(settings: GridSettings, rule: Rule) -> str:
    ratio, choices = _exact(settings.ratio), values(settings)
    first, *others = rule.dimensions
    powers = [value**first.exponent for value in choices]

    def completed(rest: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        """The point whose first value comes nearest to the ratio, given the others."""
        part = rule.product((Fraction(1), *rest))
        place = bisect_left(powers, ratio / part)
        nearby = range(max(0, place - 1), min(place + 1, len(powers)))
        return choices[min(nearby, key=lambda i: abs(powers[i] * part - ratio))], *rest

    def miss(point: tuple[Fraction, ...]) -> Fraction:
        return abs(rule.product(point) - ratio)

    nearest = min(map(completed, product(choices, repeat=len(others))), key=miss)
    point = Constants(rule, tuple(map(float, nearest)))
    return (
        f"tolerance: no {rule.symbols} from 1 to {settings.max:g} in steps of {settings.step:g} "
        f"has {rule.formula} within {settings.tolerance:g} of {settings.ratio:g}; the nearest is "
        f"{point} with {point.product():.4f}, which needs a tolerance of {float(miss(nearest)):.4f}"
    )


def _positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise UserError(f"{name}: expected a number above 0, got {value}")
