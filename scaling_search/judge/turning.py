"""Whether the best way to grow is another at another cost, as constant α, β, γ deny."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from nas.statistics.intervals import CONFIDENCE
from scaling_search.judge.directions import Directions
from scaling_search.judge.estimate import best_directions
from scaling_search.judge.surface import Seen
from scaling_search.rule.rule import Constants

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turn:
    """The best constants at the least and at the most cost, each from its own trainings alone."""

    phis: tuple[float, float]
    constants: tuple[Constants, Constants]
    probability: float
    """Of directions so far apart, or further, if the best one were the same."""

    @property
    def turns(self) -> bool:
        """Whether they differ at 95 %."""
        return self.probability < 1 - CONFIDENCE

    @property
    def verdict(self) -> str:
        """What that means for the constants, in one sentence."""
        (least, most), (at_least, at_most) = self.phis, self.constants
        if self.turns:
            return (
                f"The best direction turns with cost: {at_least} at φ = {least:g}, {at_most} at "
                f"φ = {most:g}; constants of one φ mislead at another."
            )
        return (
            f"The best direction is not seen to turn from φ = {least:g} ({at_least}) to φ = "
            f"{most:g} ({at_most})."
        )


def turn(seen: Seen, directions: Directions, tilt: Floats, phis: Sequence[float]) -> Turn | None:
    """Compare the directions that trainings at the least and at the most φ speak for.

    A trained network belongs to the φ that it is nearest to. None for a single φ.
    """
    if len(phis) < 2:
        return None
    ordered = np.array(sorted(phis))
    total = seen.places.growth.sum(axis=1)
    grown = total > ordered[0] / 2
    nearest = np.abs(total[:, None] - ordered).argmin(axis=1)
    found = [
        _direction(_only(seen, grown & (nearest == index)), directions, tilt)
        for index in (0, len(ordered) - 1)
    ]
    (low, low_spread), (high, high_spread) = found
    apart = (high - low) @ directions.plane
    spread = directions.plane.T @ (low_spread + high_spread) @ directions.plane
    distance = float(apart @ np.linalg.pinv(spread) @ apart)
    return Turn(
        phis=(float(ordered[0]), float(ordered[-1])),
        constants=(directions.constants(low), directions.constants(high)),
        probability=float(chi2.sf(distance, len(apart))),
    )


def _direction(seen: Seen, directions: Directions, tilt: Floats) -> tuple[Floats, Floats]:
    """The mean of the best shares, and their covariance."""
    best, weights = best_directions(seen, directions, tilt)
    mean: Floats = weights @ best
    return mean, ((best - mean).T * weights) @ (best - mean)


def _only(seen: Seen, kept: NDArray[np.bool_]) -> Seen:
    which = np.flatnonzero(kept)
    return Seen(seen.places[which], seen.counts[which], seen.means[which], seen.squares[which])
