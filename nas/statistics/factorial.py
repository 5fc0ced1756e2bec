"""What each factor of a two-level factorial experiment brings, with intervals.

Box, Hunter and Hunter, Statistics for Experimenters (2nd edition, 2005), chapter 5: every factor is
tried at a low and at a high level with every combination of the others, so that every measurement
says something of every factor.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from nas.statistics.design import design
from nas.statistics.intervals import CONFIDENCE, Interval

Floats = NDArray[np.float64]
Cell = tuple[bool, ...]
"""A combination of levels: for each factor, whether it is at its high one."""
Measurements = Mapping[Cell, Mapping[int, float]]
"""Values by combination and seed; combinations may lack seeds that others have."""

_FEWEST_DEGREES = 4
"""The fewest degrees of freedom that must be left when the effects of seeds are fitted; with fewer,
differences between seeds count as noise."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one factor brings, or by how much some of them depend on each other."""

    factors: tuple[str, ...]
    size: Interval
    """In the unit of what was measured."""

    @property
    def name(self) -> str:
        """The factors as a term of an analysis of variance: `recipe`, `recipe × scaling`."""
        return " × ".join(self.factors)

    @property
    def is_told(self) -> bool:
        """Whether it can be told from nothing: whether its interval leaves 0 out."""
        return not self.size.low <= 0 <= self.size.high


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects of a factorial experiment, each with an interval of its own."""

    main: tuple[Effect, ...]
    """By factor: high less low, averaged over all levels of the others. With two measurements or
    more of each combination their intervals hold even where combinations differ in noise, for a
    balanced average needs no more than the mean of their variances."""
    interactions: tuple[Effect, ...]
    """By factors: half of what the effect of one differs by between the levels of another; and so
    on for more of them."""
    exchanged: tuple[Effect, ...]
    """By factor: all high, less the combination in which this one alone is low."""
    total: Interval
    """All high less all low: the main effects and the interactions of an odd number of factors."""
    noise: float
    """Standard deviation of one measurement, pooled over the combinations."""
    degrees: int
    """Degrees of freedom that the noise was estimated with."""


def factorial_effects(factors: Sequence[str], measured: Measurements) -> Effects | None:
    """Give the effects of the factors, by least squares.

    A measurement is modelled as combination + seed + noise, so that what seeds have in common
    cancels. None where a combination has no measurement, or where nothing tells the noise.
    """
    cells = list(itertools.product((False, True), repeat=len(factors)))
    fit = _Fit.of(measured, cells) if all(measured.get(cell) for cell in cells) else None
    if fit is None:
        return None
    signs = np.where(np.array(cells), 1.0, -1.0)
    effects = []
    for chosen in _subsets(range(len(factors))):
        contrast = signs[:, chosen].prod(axis=1) / 2 ** (len(factors) - 1)
        effects.append(Effect(tuple(factors[i] for i in chosen), fit.interval(contrast)))
    high = (True,) * len(factors)
    exchanged = []
    for index, factor in enumerate(factors):
        low = (*high[:index], False, *high[index + 1 :])
        exchanged.append(Effect((factor,), fit.interval(_difference(cells, high, low))))
    return Effects(
        main=tuple(effect for effect in effects if len(effect.factors) == 1),
        interactions=tuple(effect for effect in effects if len(effect.factors) > 1),
        exchanged=tuple(exchanged),
        total=fit.interval(_difference(cells, high, (False,) * len(factors))),
        noise=fit.noise,
        degrees=fit.degrees,
    )


def verdict(effects: Effects) -> str:
    """One sentence of what was found, in points: hundredths of what was measured, an accuracy."""
    total = effects.total.times(100)
    parts = [f"{effect.name} {effect.size.times(100):.1f}" for effect in effects.main]
    first, *others = parts
    brings = [first.replace(" ", " brings ", 1), *others]
    told = [
        f"{effect.name} interact by {effect.size.times(100):.1f}"
        for effect in effects.interactions
        if effect.is_told
    ]
    unclear = [effect.name for effect in effects.main if not effect.is_told]
    if unclear:
        told.append(f"{_listed(unclear)} cannot be told from nothing")
    low, high = ("plain", "full") if len(parts) == 1 else ("all plain", "full")
    said = f"Between {low} and {high} lie {total:.1f} points of proxy accuracy: {_listed(brings)}"
    return "; ".join([said, *told]) + "."


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _subsets(factors: Sequence[int]) -> Iterator[list[int]]:
    for size in range(1, len(factors) + 1):
        yield from map(list, itertools.combinations(factors, size))


def _difference(cells: Sequence[Cell], more: Cell, less: Cell) -> Floats:
    return np.array([float(cell == more) - float(cell == less) for cell in cells])


@dataclass(frozen=True, slots=True)
class _Fit:
    """The fit of measurement = combination + seed + noise by least squares."""

    means: Floats
    """The mean of each combination over its seeds"""
    spread: Floats
    """The covariance of the means, over the variance of the noise"""
    noise: float
    degrees: int
    quantile: float
    """Standard errors on either side that make the interval"""

    @classmethod
    def of(cls, measured: Measurements, cells: Sequence[Cell]) -> "_Fit | None":
        observed, x, z = design(measured, cells)
        # Effects of seeds sum to zero, so that means are of the average seed.
        both = np.hstack([x, z[:, :-1] - z[:, -1:]])
        full = np.linalg.matrix_rank(both) == both.shape[1]
        matrix = both if full and len(observed) - both.shape[1] >= _FEWEST_DEGREES else x
        degrees = len(observed) - matrix.shape[1]
        if degrees < 1:
            return None
        spread = np.asarray(np.linalg.inv(matrix.T @ matrix), dtype=np.float64)
        fitted = spread @ matrix.T @ observed
        squares = float(np.sum((observed - matrix @ fitted) ** 2))
        count = len(cells)
        return cls(
            means=fitted[:count],
            spread=spread[:count, :count],
            noise=math.sqrt(squares / degrees),
            degrees=degrees,
            quantile=float(stdtrit(degrees, (1 + CONFIDENCE) / 2)),
        )

    def interval(self, contrast: Floats) -> Interval:
        """Give the value of a contrast of the means, and its interval by Student's t."""
        value = float(contrast @ self.means)
        error = self.noise * math.sqrt(float(contrast @ self.spread @ contrast))
        reach = self.quantile * error
        return Interval(value, value - reach, value + reach)
