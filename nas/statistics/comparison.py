"""Which candidate is best, and which cannot be told from it, given few noisy trainings of each."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_spaces.errors import UserError

Accuracies = Mapping[int, Mapping[int, float]]
"""Accuracy by candidate and seed; candidates may have different seeds."""

CONFIDENCE = 0.95
_RESAMPLES = 2000
_EXACT = 1e-9
"""Accuracies nearer to each other are equal."""
_FEWEST_DEGREES = 4
"""Degrees of freedom left after taking seeds out, below which they are counted as noise."""


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
    """The winner among the eligible, and who else it may be."""

    estimates: Mapping[int, Estimate]
    winner: int
    ties: frozenset[int]
    """The others that may be the best: with the winner they hold the true best with 95 %."""
    noise: float | None
    """Standard deviation of one training's accuracy around its candidate's and seed's mean."""

    def more_trainings(self) -> int | None:
        """About how many further trainings would tell the winner from its ties, were the
        differences as estimated: 0 where there are none, None where the noise is unknown or two
        means are equal."""
        if not self.ties:
            return 0
        gaps = [self.estimates[self.winner].mean - self.estimates[tie].mean for tie in self.ties]
        if not self.noise or min(gaps) <= 0:
            return None
        # A difference of two means of n trainings each has the variance 2 σ² / n.
        needed = [math.ceil(2 * (1.96 * self.noise / gap) ** 2) for gap in gaps]
        missing = [
            max(0, need - self.estimates[tie].seeds)
            for need, tie in zip(needed, self.ties, strict=True)
        ]
        return sum(missing) + max(0, max(needed) - self.estimates[self.winner].seeds)


def compare(accuracies: Accuracies, eligible: Collection[int], seed: int = 0) -> Comparison:
    """The eligible candidate of the highest mean, and those not significantly worse.

    Accuracy is taken as candidate + seed + noise, so that seeds shared by candidates cancel. A
    candidate is a tie unless the distance to the leader exceeds what, were this candidate the
    true best, noise alone would produce in 95 % of bootstrap resamples of the residuals
    (studentised; Gupta's subset selection, Technometrics 7, 1965). Raises UserError when none is
    eligible.
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


def _not_worse(fit: "_Fit", among: list[int], leader: int, rng: np.random.Generator) -> set[int]:
    errors, noises = fit.resample(rng)
    errors = errors[:, among]
    # Were c the best, the leader's lead over c would be at most max_j(error_j) − error_c.
    leads = (errors.max(axis=1, keepdims=True) - errors) / noises[:, None]
    limits = np.quantile(leads, CONFIDENCE, axis=0) * fit.noise
    return {
        index
        for index, limit in zip(among, limits, strict=True)
        if fit.means[leader] - fit.means[index] <= limit
    }


@dataclass(frozen=True, slots=True)
class _Fit:
    """Accuracy = candidate + seed + noise by generalised least squares; seeds are random."""

    means: NDArray[np.float64]
    stderrs: NDArray[np.float64]
    noise: float | None
    residuals: NDArray[np.float64]
    """Of each training, inflated to the noise's standard deviation."""
    weights: NDArray[np.float64]
    """Means from the accuracies: candidates × trainings."""
    annihilator: NDArray[np.float64]
    """Residuals from the accuracies: trainings × trainings."""
    degrees: int

    @classmethod
    def of(cls, accuracies: Accuracies, names: list[int]) -> "_Fit":
        rows = [
            (index, seed, accuracy)
            for index, name in enumerate(names)
            for seed, accuracy in sorted(accuracies[name].items())
        ]
        seeds = sorted({seed for _, seed, _ in rows})
        observed = np.array([accuracy for _, _, accuracy in rows])
        x = np.eye(len(names))[[index for index, _, _ in rows]]
        z = np.eye(len(seeds))[[seeds.index(seed) for _, seed, _ in rows]]
        # Taking the seeds out needs candidates that share them; otherwise they are noise too.
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
        covariance = variance * np.eye(len(rows)) + of_seeds * (z @ z.T)
        inverse = np.linalg.inv(covariance)
        spread = np.linalg.inv(x.T @ inverse @ x)
        weights = spread @ x.T @ inverse
        residuals = annihilator @ observed * math.sqrt(len(rows) / degrees)
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
        """Errors of the means, and the noise estimated, in each of the bootstrap's resamples."""
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
    """Variance between seeds by the method of moments (Henderson's third)."""
    explained = float(observed @ one @ observed) - _rank(one) * variance
    scale = float(np.trace(z.T @ one @ z))
    return max(0.0, explained / scale) if scale > 1e-9 else 0.0
