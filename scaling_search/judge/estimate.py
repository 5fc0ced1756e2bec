"""The scaling constants that trainings speak for, how sure that is, and what it adds to what was
known before."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling_search.judge.directions import Directions, tilt_to_mean, tilted
from scaling_search.judge.draws import draw_smooth
from scaling_search.judge.surface import Places, Seen, fit_surface
from scaling_search.rule.rule import Constants

Floats = NDArray[np.float64]

_DRAWS = 2000
_TAIL = 0.025
_NORMAL = 1.96
_MOST_TRAININGS = 10_000
"""More trainings than anyone does: to say their number would be of no use."""
_FEWEST = 10
"""From fewer trainings, no number of more is worth saying."""
_INDIFFERENT = 2.0
"""The square of a gain, in its standard errors, at which Akaike's criterion (1974) does not care
whether the published constants are kept or moved."""
_SAME = 5e-4
"""Constants nearer to each other, in logarithms, are the same."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Constants with their uncertainty, and how they compare with those known before."""

    constants: Constants
    """The posterior means of their logarithms."""
    low: Constants
    """2.5 % quantiles of the posterior of each."""
    high: Constants
    """97.5 % quantiles."""
    known: Constants
    """The published ones, which are the answer when nothing was trained."""
    trainings: int
    gain: float
    """How much more accurate than the known ones these are expected to be, at one unit of φ."""
    gain_error: float
    contradicts: bool
    """Whether the known ones are as good with a probability below 2.5 %."""
    named: Constants
    """What is named: so far from the known ones towards these as `weight` says."""
    at_chance: bool = False
    """Whether no training can be told from chance, so that nothing was learnt of any."""

    @property
    def weight(self) -> float:
        """How far what is named goes from the known constants to these: 0 to 1."""
        return evidence(self.gain, self.gain_error)

    @property
    def exponents(self) -> dict[str, tuple[float, float, float]]:
        """The power of the cost that each dimension grows with, and its 95 % interval.

        As of shapes of vision transformers in arXiv 2305.13035.
        """
        unit = math.log(self.known.product())
        ends = (self.constants, self.low, self.high)
        logs = [[round(math.log(v) / unit, 4) for v in each.values] for each in ends]
        return dict(zip(self.constants.rule.names, zip(*logs, strict=True), strict=True))

    @property
    def more_trainings(self) -> int | None:
        """About how many more would tell these from the known ones; None for more than anyone does.

        The error falls with the root of their number.
        """
        if self.contradicts:
            return 0
        if self.at_chance or self.gain <= 0 or self.trainings < _FEWEST:
            return None
        needed = self.trainings * ((_NORMAL * self.gain_error / self.gain) ** 2 - 1)
        return max(1, round(needed)) if needed <= _MOST_TRAININGS else None

    @property
    def verdict(self) -> str:
        """What the trainings add to what was known, in one sentence."""
        if not self.trainings:
            return f"Nothing was trained: {self.constants} are the published constants."
        if self.at_chance:
            return (
                "No training can be told from chance: the sweep learnt nothing; try more epochs "
                f"or images. {self.known} are the published constants."
            )
        points = f"{100 * self.gain:.2f} ± {100 * self.gain_error:.2f} points"
        if self.contradicts:
            return (
                f"The trainings contradict {self.known}: at equal MACs {self.constants} are "
                f"expected to be {points} more accurate."
            )
        more, apart = self.more_trainings, np.log(self.constants.values) - np.log(self.known.values)
        if more is None or np.abs(apart).max() < _SAME:
            return (
                f"The trainings do not contradict {self.known}; how many more would tell cannot be "
                f"said: {self._untold}."
            )
        return (
            f"The trainings do not contradict {self.known}: about {more} more would be needed to "
            f"tell {self.constants} from them."
        )

    @property
    def _untold(self) -> str:
        """Why no number of more trainings can be said."""
        if np.abs(np.log(self.constants.values) - np.log(self.known.values)).max() < _SAME:
            return "the estimate is what is published"
        if self.trainings < _FEWEST:
            return f"fewer than {_FEWEST} trainings say too little"
        if self.gain <= 0:
            return "the estimate is not expected to be better"
        return f"it would take more than {_MOST_TRAININGS:,}"


def evidence(gain: float, error: float) -> float:
    """How much of a move to trust, 0 to 1, that is to bring `gain` with this standard error.

    z² / (z² + 2) for a gain of z errors: half where Akaike's criterion is indifferent, nearly all
    of it from z = 5 on. The posterior mean is the best guess for what was trained; a family raises
    it to the seventh power on data and sizes that nobody trained, where a chance move costs more
    than a missed one.
    """
    if gain <= 0 or error <= 0:
        return 0.0
    share = error / gain  # 1 / z, whose square may be infinite
    return 1 / (1 + _INDIFFERENT * share * share)


# It costs a third of a short sweep, and depends on no training.
@functools.lru_cache(maxsize=16)
def known_tilt(directions: Directions) -> Floats:
    """(dimensions,): what the prior is tilted by, so that its mean is what is known.

    The lattice, its edges and what is not quadratic would move it a little otherwise.
    """
    return tilt_to_mean(
        _best(_drawn(_nothing(directions), directions), directions), directions.known
    )


def estimate(seen: Seen, directions: Directions, tilt: Floats) -> Estimate:
    """The estimate after these trainings, under the prior so tilted.

    Equal trainings give an equal estimate, and none what is known.
    """
    drawn = _drawn(seen, directions)
    best = _best(drawn, directions)
    weights = tilted(best, tilt)
    mean = weights @ best
    half = directions.step / 2
    low, high = (_quantiles(best, weights, tail) for tail in (_TAIL, 1 - _TAIL))
    ours, theirs = (
        int(((directions.shares - shares) ** 2).sum(axis=1).argmin())
        for shares in (mean, directions.known)
    )
    gains = drawn[:, ours] - drawn[:, theirs]
    gain = float(weights @ gains)
    error = float(np.sqrt(weights @ (gains - gain) ** 2))
    moved = evidence(gain, error) * (mean - directions.known)
    return Estimate(
        constants=directions.constants(mean),
        low=directions.constants(low - half),
        high=directions.constants(np.minimum(high + half, np.maximum(high, directions.most))),
        known=directions.constants(directions.known),
        trainings=int(seen.counts.sum()) + seen.at_chance,
        gain=gain,
        gain_error=error,
        contradicts=ours != theirs and float(weights @ (gains <= 0)) < _TAIL,
        named=directions.constants(directions.known + moved),
        at_chance=seen.at_chance > 0,
    )


def best_directions(seen: Seen, directions: Directions, tilt: Floats) -> tuple[Floats, Floats]:
    """(draws, dimensions) best shares of surfaces from the posterior, and (draws,) weights."""
    best = _best(_drawn(seen, directions), directions)
    return best, tilted(best, tilt)


def _drawn(seen: Seen, directions: Directions) -> Floats:
    """(draws, directions) accuracies of one unit of φ in each direction."""
    return draw_smooth(fit_surface(seen, directions), _everywhere(directions), _DRAWS)


def _everywhere(directions: Directions) -> Places:
    return Places(directions.shares, np.ones(len(directions.shares)))


def _nothing(directions: Directions) -> Seen:
    return Seen.of(_everywhere(directions)[[]], [])


def _best(drawn: Floats, directions: Directions) -> Floats:
    """(draws, dimensions): the best shares of each."""
    best: Floats = directions.shares[drawn.argmax(axis=1)]
    return best


def _quantiles(values: Floats, weights: Floats, level: float) -> Floats:
    """(dimensions,) quantiles of weighted (draws, dimensions) values."""
    found = []
    for column in values.T:
        order = np.argsort(column, kind="stable")
        at = int(np.searchsorted(np.cumsum(weights[order]), level))
        found.append(column[order[min(at, len(column) - 1)]])
    return np.array(found)
