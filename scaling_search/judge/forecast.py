"""What a family's members are expected to reach, before any of them is trained."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.trainings.record import TrainingRecord
from scaling_search.grow.grown import Grown
from scaling_search.judge.directions import Directions
from scaling_search.judge.draws import draw_network, draw_smooth
from scaling_search.judge.observations import observe
from scaling_search.judge.surface import SATURATIONS, Places, Surface, fit_surface
from scaling_search.rule.rule import Constants
from search_spaces.arch import Arch

Floats = NDArray[np.float64]

_DRAWS = 2000
_FEWEST_DRAWS = 100
"""Fewer draws do not make an interval."""
_MOST_PHI = 12
"""No φ beyond this is looked at: 2^12 times the baseline's cost."""
FEWEST = 4
"""Different networks below which nothing is forecast."""


@dataclass(frozen=True, slots=True)
class MemberForecast:
    """The accuracy that a member is expected to have where the trainings were done."""

    accuracy: float
    low: float
    """2.5 % quantile."""
    high: float
    """97.5 % quantile."""
    gain: float | None
    """What it is expected to add to the member before it; None for the first."""
    extrapolates: bool
    """Whether it costs more, or less, than all networks that were trained."""


@dataclass(frozen=True, slots=True)
class FamilyForecast:
    """What is expected of a family, member by member."""

    members: tuple[MemberForecast, ...]
    trainings: int
    pays_until: float | None
    """The φ from which on another unit is expected to bring less than the tolerance; None where
    that is beyond all φ that are looked at."""


def forecast_family(
    members: Sequence[Grown],
    records: Iterable[TrainingRecord],
    directions: Directions,
    *,
    constants: Constants,
    tolerance: float,
    images: int | None = None,
) -> FamilyForecast | None:
    """The forecast from the trainings of networks grown from the members' baseline.

    A unit of φ pays that brings more than `tolerance`, a fraction, by these constants. `images` are
    those that accuracies are counted on, where that is known. None where too few networks were
    trained to say anything, or none of the trainings can be told from chance.
    """
    baseline: Arch = members[0].baseline
    seen = observe(records, baseline, directions, images=images)
    if len(seen.places) < FEWEST:
        return None
    surface = fit_surface(seen, directions, SATURATIONS)
    unit = math.log(directions.ratio)
    growth = directions.growths(np.log([each.multipliers.values for each in members]))
    cost = np.log([each.realised_ratio for each in members]) / unit
    drawn = [
        _possible(draw_network(surface, Places(growth[[i]], cost[[i]]), _DRAWS)[:, None])
        for i in range(len(members))
    ]
    means = [float(each.mean()) for each in drawn]
    low, high = zip(*(np.quantile(each, [0.025, 0.975]) for each in drawn), strict=True)
    least, most = seen.places.cost.min(), seen.places.cost.max()
    return FamilyForecast(
        members=tuple(
            MemberForecast(
                accuracy=means[i],
                low=float(low[i]),
                high=float(high[i]),
                gain=means[i] - means[i - 1] if i else None,
                extrapolates=not least - 1e-9 <= cost[i] <= most + 1e-9,
            )
            for i in range(len(members))
        ),
        trainings=int(seen.counts.sum()),
        pays_until=_pays_until(surface, constants, tolerance),
    )


def _possible(drawn: Floats) -> Floats:
    """The draws, (n, members), in which no member is more accurate than can be.

    A steep rise that does not level off soon is ruled out by that.
    """
    possible = drawn[(drawn <= 1).all(axis=1)]
    kept: Floats = (possible if len(possible) >= _FEWEST_DRAWS else drawn).clip(0, 1)
    return kept


def _pays_until(surface: Surface, constants: Constants, tolerance: float) -> float | None:
    growth = surface.directions.growths(np.log(constants.values))
    phis = np.arange(0, _MOST_PHI + 0.5, 0.5)
    along = Places(phis[:, None] * growth, phis * growth.sum())
    expected = _possible(draw_smooth(surface, along, _DRAWS)).mean(axis=0)
    gains = expected[2:] - expected[:-2]
    below = np.flatnonzero(gains < tolerance)
    return float(phis[below[0]]) if len(below) else None
