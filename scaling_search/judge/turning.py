"""Whether the best way to grow is another at another cost, or after trainings of another length.

Constant α, β, γ deny both; arXiv 2103.07579 saw the second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from nas.statistics.intervals import CONFIDENCE
from scaling_search.judge.directions import Directions
from scaling_search.judge.estimate import best_directions
from scaling_search.judge.surface import Seen
from scaling_search.rule.rule import Constants

Floats = NDArray[np.float64]

_FEWEST = 5
"""Networks of one φ below which a direction is no more than what was known before."""


@dataclass(frozen=True, slots=True)
class Along:
    """What the best direction may turn with, in words."""

    name: str
    where: str
    """The word before a value."""
    value: Callable[[float], str]
    one: str
    """What constants of one value are constants of."""


COST = Along("cost", "at", lambda phi: f"φ = {phi:g}", "φ")
EPOCHS = Along(
    "the length of training",
    "after",
    lambda epochs: f"{epochs:g} epoch{'' if epochs == 1 else 's'}",
    "length",
)


@dataclass(frozen=True, slots=True)
class Turn:
    """The best constants at several costs or lengths of training, each from its own trainings."""

    along: Along
    constants: Mapping[float, Constants]
    """By φ, or by epochs, ascending."""
    probability: float
    """How probable directions so far apart, or further, are if the best one is the same."""
    untold: str = ""
    """What is not compared for want of trainings that finished, in a sentence."""

    @property
    def turns(self) -> bool:
        """Whether they differ at 95 %."""
        return self.probability < 1 - CONFIDENCE

    @property
    def verdict(self) -> str:
        """What that means for the constants, in one sentence, and what it is not known for."""
        return " ".join(filter(None, (self._compared(), self.untold)))

    def _compared(self) -> str:
        if len(self.constants) < 2:
            return ""
        along = self.along
        found = [(along.value(at), constants) for at, constants in self.constants.items()]
        if self.turns:
            each = ", ".join(f"{constants} {along.where} {at}" for at, constants in found)
            return (
                f"The best direction turns with {along.name}: {each}; constants of one "
                f"{along.one} mislead at another."
            )
        each = " to ".join(f"{at} ({constants})" for at, constants in found)
        return f"The best direction is not seen to turn from {each}."


def turn_with_cost(
    seen: Seen, directions: Directions, tilt: Floats, phis: Sequence[float]
) -> Turn | None:
    """Compare the directions that trainings at the least and at the most φ speak for.

    A trained network belongs to the φ that it is nearest to. None for a single φ.
    """
    if len(phis) < 2:
        return None
    ends = min(phis), max(phis)
    at = {phi: _only(seen, _grown(seen, phis) & _nearest(seen, phi, phis)) for phi in ends}
    few = [phi for phi, each in at.items() if len(each.places) < _FEWEST]
    if few:
        said = f"Too few networks were trained at φ = {few[0]:g} to say whether it turns with cost."
        return Turn(COST, {}, 1.0, said)
    return _turn(COST, at, ends[0], directions, tilt)


def turn_with_epochs(
    seen: Mapping[int, Seen], own: int, directions: Directions, tilt: Floats, untold: str = ""
) -> Turn:
    """Compare the direction that the sweep's own trainings speak for with each that those of other
    lengths do; `seen` holds them by their epochs."""
    return _turn(EPOCHS, seen, own, directions, tilt, untold)


def around(seen: Seen, phi: float, phis: Sequence[float]) -> Seen:
    """The trainings of the baseline, and of networks that are nearest to this φ of several."""
    return _only(seen, ~_grown(seen, phis) | _nearest(seen, phi, phis))


def _turn(
    along: Along,
    seen: Mapping[int, Seen] | Mapping[float, Seen],
    reference: float,
    directions: Directions,
    tilt: Floats,
    untold: str = "",
) -> Turn:
    """Compare the directions of all with the reference's."""
    found = {float(at): _direction(each, directions, tilt) for at, each in sorted(seen.items())}
    ours = found[float(reference)]
    others = [each for at, each in found.items() if at != reference]
    least = min((_probability(ours, other, directions) for other in others), default=1.0)
    return Turn(
        along=along,
        constants={at: directions.constants(mean) for at, (mean, _) in found.items()},
        # Of several comparisons, one is this far out by chance more often (Bonferroni).
        probability=min(1.0, least * max(1, len(others))),
        untold=untold,
    )


def _probability(
    one: tuple[Floats, Floats], other: tuple[Floats, Floats], directions: Directions
) -> float:
    """How probable means so far apart, or further, are where they estimate the same."""
    (low, low_spread), (high, high_spread) = one, other
    apart = (high - low) @ directions.plane
    spread = directions.plane.T @ (low_spread + high_spread) @ directions.plane
    distance = float(apart @ np.linalg.pinv(spread) @ apart)
    return float(chdtrc(len(apart), distance))


def _grown(seen: Seen, phis: Sequence[float]) -> NDArray[np.bool_]:
    """(networks,): which are grown as far as a φ asks, and not the baseline or near it."""
    grown: NDArray[np.bool_] = seen.places.growth.sum(axis=1) > min(phis) / 2
    return grown


def _nearest(seen: Seen, phi: float, phis: Sequence[float]) -> NDArray[np.bool_]:
    """(networks,): which are nearest to this φ."""
    ordered = np.array(sorted(phis))
    total = seen.places.growth.sum(axis=1)
    nearest: NDArray[np.bool_] = ordered[np.abs(total[:, None] - ordered).argmin(axis=1)] == phi
    return nearest


def _direction(seen: Seen, directions: Directions, tilt: Floats) -> tuple[Floats, Floats]:
    """The mean of the best shares, and their covariance."""
    best, weights = best_directions(seen, directions, tilt)
    mean: Floats = weights @ best
    return mean, ((best - mean).T * weights) @ (best - mean)


def _only(seen: Seen, kept: NDArray[np.bool_]) -> Seen:
    which = np.flatnonzero(kept)
    return replace(
        seen,
        places=seen.places[which],
        counts=seen.counts[which],
        means=seen.means[which],
        squares=seen.squares[which],
    )
