"""Which candidate is best, and which cannot be told from it, given few noisy trainings of each.

There are two definitions of a tie, on purpose. `compare` is for candidates trained with the same
seeds: it pools the noise of all trainings, and asks of each candidate whether it may be better than
the one of the highest mean. A search has no such leader to compare with, for its baseline may be
the choice of a model, and a record holds no more than its own standard error: there, `within_noise`
compares two values.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.statistics.design import design
from nas.statistics.intervals import CONFIDENCE, NORMAL_QUANTILE
from search_spaces.errors import UserError

Accuracies = Mapping[int, Mapping[int, float]]
"""Accuracy by candidate and seed; candidates may have different seeds."""

_RESAMPLES = 2000
_EXACT = 1e-9
"""Accuracies nearer to each other are equal."""
_FEWEST_DEGREES = 4
"""The fewest degrees of freedom that must be left when the effects of seeds are fitted; with fewer,
differences between seeds count as noise."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A candidate's accuracy as estimated from its trainings."""

    mean: float
    stderr: float | None
    """Standard error of the mean, from the noise pooled over all candidates; None where no
    candidate was trained twice."""
    seeds: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The candidate of the highest mean among the eligible, and which others may be the best."""

    estimates: Mapping[int, Estimate]
    winner: int
    ties: frozenset[int]
    """The other candidates that may be the best; with a probability of 95 % the true best is the
    winner or one of them."""
    noise: float | None
    """Standard deviation of one training's accuracy around its candidate's and seed's mean."""

    def more_trainings(self) -> int | None:
        """About how many further trainings would tell the winner from its ties, if the differences
        are as estimated; 0 without ties, None where the noise is unknown or two means are equal."""
        if not self.ties:
            return 0
        gaps = [self.estimates[self.winner].mean - self.estimates[tie].mean for tie in self.ties]
        if not self.noise or min(gaps) <= 0:
            return None
        # A difference of two means of n trainings each has the variance 2 σ² / n.
        needed = [math.ceil(2 * (NORMAL_QUANTILE * self.noise / gap) ** 2) for gap in gaps]
        missing = [
            max(0, need - self.estimates[tie].seeds)
            for need, tie in zip(needed, self.ties, strict=True)
        ]
        return sum(missing) + max(0, max(needed) - self.estimates[self.winner].seeds)


def compare(accuracies: Accuracies, eligible: Collection[int], seed: int = 0) -> Comparison:
    """The eligible candidate of the highest mean, and those not significantly worse.

    Accuracy is modelled as candidate + seed + noise, so that the effects of shared seeds cancel. A
    candidate ties with the leader, whose mean is highest, unless the leader is further ahead than
    noise alone would put it in 95 % of the resamples if that candidate were the true best
    (studentised residual bootstrap; Gupta's subset selection, Technometrics 7, 1965). Raises
    UserError when none is eligible.
    """
    names = [name for name in sorted(accuracies) if accuracies[name]]
    among = [index for index, name in enumerate(names) if name in eligible]
    if not among:
        raise UserError("no candidate is left to win: all failed, or none is within the band")
    fit = _Fit.of(accuracies, names)
    leader = max(among, key=lambda index: (fit.means[index], -index))
    if fit.noise is None:
        ties = set(among)
    elif fit.noise < _EXACT:
        ties = {index for index in among if fit.means[leader] - fit.means[index] < _EXACT}
    else:
        ties = _not_worse(fit, among, leader, np.random.default_rng(seed))
    return Comparison(
        estimates={
            name: Estimate(
                float(fit.means[index]),
                None if fit.noise is None else float(fit.stderrs[index]),
                len(accuracies[name]),
            )
            for index, name in enumerate(names)
        },
        winner=names[leader],
        ties=frozenset(names[index] for index in ties - {leader}),
        noise=fit.noise,
    )


def within_noise(best: float, best_error: float, other: float, other_error: float) -> bool:
    """Whether a value is less than two standard errors of the difference below the best one.

    Without an error there is no noise that was measured, and so no tie.
    """
    error = math.hypot(best_error, other_error)
    return error > 0 and best - other < 2 * error


def _not_worse(fit: "_Fit", among: list[int], leader: int, rng: np.random.Generator) -> set[int]:
    errors, noises = fit.resample(rng)
    errors = errors[:, among]
    # If c were the best, the leader would be at most max_j(error_j) − error_c ahead of c.
    leads = (errors.max(axis=1, keepdims=True) - errors) / noises[:, None]
    limits = np.quantile(leads, CONFIDENCE, axis=0) * fit.noise
    return {
        index
        for index, limit in zip(among, limits, strict=True)
        if fit.means[leader] - fit.means[index] <= limit
    }


@dataclass(frozen=True, slots=True)
class _Fit:
    """The fit of accuracy = candidate + seed + noise by generalised least squares.

    Effects of seeds are random. Where no noise can be estimated, means are plain averages.
    """

    means: NDArray[np.float64]
    stderrs: NDArray[np.float64]
    noise: float | None
    residuals: NDArray[np.float64]
    """The residual of each training, scaled up to the standard deviation of the noise"""
    weights: NDArray[np.float64]
    """The matrix that makes means of accuracies; (candidates, trainings)"""
    annihilator: NDArray[np.float64]
    """The matrix that makes residuals of accuracies; (trainings, trainings)"""
    degrees: int

    @classmethod
    def of(cls, accuracies: Accuracies, names: list[int]) -> "_Fit":
        observed, x, z = design(accuracies, names)
        # The effects of seeds can be fitted only where candidates share seeds.
        both, one = _annihilator(np.hstack([x, z])), _annihilator(x)
        annihilator = both if _rank(both) >= _FEWEST_DEGREES else one
        degrees = _rank(annihilator)
        variance = float(observed @ annihilator @ observed) / degrees if degrees else 0.0
        if variance < _EXACT**2:
            plain = (x / x.sum(axis=0)).T
            means, stderrs = np.round(plain @ observed, 12), np.zeros(len(names))
            noise = 0.0 if degrees else None
            return cls(means, stderrs, noise, observed * 0, plain, annihilator, degrees)
        of_seeds = _seed_variance(observed, z, one, variance) if annihilator is both else 0.0
        covariance = variance * np.eye(len(observed)) + of_seeds * (z @ z.T)
        inverse = np.linalg.inv(covariance)
        spread = np.linalg.inv(x.T @ inverse @ x)
        weights = spread @ x.T @ inverse
        residuals = annihilator @ observed * math.sqrt(len(observed) / degrees)
        return cls(
            weights @ observed,
            np.sqrt(np.diag(spread)),
            math.sqrt(variance),
            residuals,
            weights,
            annihilator,
            degrees,
        )

    def resample(self, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Errors of the means, (resamples, candidates), and the noise estimated, (resamples,).

        Residuals are resampled, and not trainings: a candidate has too few of them.
        """
        centred = self.residuals - self.residuals.mean()
        drawn = rng.choice(centred, size=(_RESAMPLES, len(centred)))
        squares = np.einsum("ri,ij,rj->r", drawn, self.annihilator, drawn, optimize=True)
        noises = np.sqrt(np.maximum(squares, 0) / self.degrees)
        return drawn @ self.weights.T, np.maximum(noises, np.median(noises) / 10 + _EXACT)


def _annihilator(design: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.eye(len(design)) - design @ np.linalg.pinv(design)


def _rank(projection: NDArray[np.float64]) -> int:
    return round(float(np.trace(projection)))


def _seed_variance(
    observed: NDArray[np.float64],
    z: NDArray[np.float64],
    one: NDArray[np.float64],
    variance: float,
) -> float:
    """The variance between seeds by the method of moments (Henderson's method 3)."""
    explained = float(observed @ one @ observed) - _rank(one) * variance
    scale = float(np.trace(z.T @ one @ z))
    return max(0.0, explained / scale) if scale > 1e-9 else 0.0
