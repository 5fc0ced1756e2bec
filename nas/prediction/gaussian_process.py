"""A Gaussian process over architectures, small enough to fit anew while a search goes on.

    k(x, x′) = s · exp(−Σ θ_f (x_f − x′_f)²) + l · Σ θ_f x_f x′_f / θ₀ + Σ w_e x_e x′_e

The first term follows interactions. The second is a trend over the architecture's features x_f,
with the relevances θ of the first term, so that a handful of networks already tells which way is
up. The third is a trend over the covariates x_e: what is known of a candidate before it is
measured, its cost above all. Hyperparameters are the maximum of their posterior (log-normal
priors), found by L-BFGS with exact gradients.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.optimize import minimize

from nas.statistics.blas import one_blas_thread
from search_spaces.errors import UserError

Floats = NDArray[np.float64]

_JITTER = 1e-6
_ITERATIONS = 25
_BOUNDS = (-12.0, 6.0)


@dataclass(frozen=True, slots=True)
class Prior:
    """The median of each hyperparameter, and the standard deviation of its logarithm.

    They are meant for standardised values, and for features whose standard deviation is about one.
    """

    noise: tuple[float, float] = (0.001, 2.0)
    variance: tuple[float, float] = (1.0, 0.3)
    """s"""
    trend: tuple[float, float] = (3.0, 1.0)
    """l, which is divided by the number of features"""
    covariates: tuple[float, float] = (0.5, 1.0)
    """w"""
    relevance: tuple[float, float] = (0.3, 1.25)
    """θ of the architecture's features, which is divided by their number"""
    covariate_relevance: tuple[float, float] = (0.15, 1.25)
    """θ of the covariates"""

    def __post_init__(self) -> None:
        for name, (median, deviation) in dataclasses.asdict(self).items():
            if not (0 < median < math.inf and 0 < deviation < math.inf):
                raise UserError(f"{name}: expected two numbers above 0, got {median}, {deviation}")

    def median(self, features: int, covariates: int) -> Floats:
        """Logarithms of the medians: noise, s, l, w of each covariate, θ of each feature and θ of
        each covariate; (3 + features + 2 · covariates,)."""
        first = [self.noise[0], self.variance[0], self.trend[0] / max(1, features)]
        relevance = [self.relevance[0] / max(1, features)] * features
        rest = [self.covariates[0]] * covariates + relevance
        rest += [self.covariate_relevance[0]] * covariates
        logs: Floats = np.log(np.array(first + rest))
        return logs

    def spread(self, features: int, covariates: int) -> Floats:
        """Standard deviations of the logarithms, in the order of `median`."""
        first = [self.noise[1], self.variance[1], self.trend[1]]
        rest = [self.covariates[1]] * covariates + [self.relevance[1]] * features
        return np.array(first + rest + [self.covariate_relevance[1]] * covariates)


@dataclass(frozen=True, slots=True)
class Kernel:
    """Hyperparameters, with the scales of the values and of the covariates."""

    noise: float
    variance: float
    relevance: Floats
    """(features + covariates,)"""
    slopes: Floats
    """(features + covariates,) variances of the trend's slopes"""
    value: tuple[float, float]
    """Mean and standard deviation of the values that the kernel was fitted to"""
    covariates: tuple[Floats, Floats]
    """Mean and standard deviation of each covariate; (covariates,) each"""

    def scaled(self, features: Floats, covariates: Floats) -> Floats:
        """Features and standardised covariates side by side; (n, features + covariates)."""
        return np.hstack([features, (covariates - self.covariates[0]) / self.covariates[1]])

    def __call__(self, a: Floats, b: Floats) -> Floats:
        """(n, m) covariances of scaled rows."""
        covariance: Floats = self.variance * np.exp(-_squared(a, b, self.relevance))
        return covariance + (a * self.slopes) @ b.T

    def diagonal(self, a: Floats) -> Floats:
        """(n,) variances of scaled rows."""
        variances: Floats = self.variance + (a * a) @ self.slopes
        return variances


@dataclass(frozen=True, slots=True)
class Posterior:
    """The Gaussian process given its observations."""

    kernel: Kernel
    seen: Floats
    """(n, features + covariates) scaled rows"""
    inverse: Floats
    """(n, n) inverse of the covariance of the observations, noise included"""
    weights: Floats
    """(n,) product of that inverse and the standardised values"""

    def predict(self, features: Floats, covariates: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the values without noise; (n,) each."""
        rows = self.kernel.scaled(features, covariates)
        cross = self.kernel(rows, self.seen)
        variance = self.kernel.diagonal(rows) - ((cross @ self.inverse) * cross).sum(axis=1)
        mean, scale = self.kernel.value
        return mean + scale * (cross @ self.weights), scale * np.sqrt(np.maximum(variance, 1e-10))


@one_blas_thread()
def fit(features: Floats, covariates: Floats, values: Floats, prior: Prior) -> Kernel:
    """The most probable kernel for (n, f) features, (n, k) covariates and (n,) values.

    The same data give the same kernel.
    """
    value = float(values.mean()), float(values.std()) or 1.0
    mean, deviation = _scale(covariates)
    width = features.shape[1], covariates.shape[1]
    likelihood = _Likelihood(
        np.hstack([features, (covariates - mean) / deviation]),
        (values - value[0]) / value[1],
        prior.median(*width),
        prior.spread(*width),
        width,
    )
    found = minimize(
        likelihood,
        likelihood.median,
        jac=True,
        method="L-BFGS-B",
        bounds=[_BOUNDS] * len(likelihood.median),
        options={"maxiter": _ITERATIONS},
    )
    return Kernel(*likelihood.unpack(found.x), value, (mean, deviation))


def unfitted(covariates: Floats, features: int, prior: Prior) -> Kernel:
    """The kernel of the prior's medians, for standardised values.

    The (n, k) covariates of typical candidates say how covariates are scaled.
    """
    median = prior.median(features, covariates.shape[1])
    unpacked = _unpack(median, median, (features, covariates.shape[1]))
    return Kernel(*unpacked, (0.0, 1.0), _scale(covariates))


def _scale(covariates: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column; 1 for one that does not vary."""
    deviation = covariates.std(axis=0)
    return covariates.mean(axis=0), np.where(deviation > 1e-9, deviation, 1.0)


def _unpack(
    logs: Floats, median: Floats, width: tuple[int, int]
) -> tuple[float, float, Floats, Floats]:
    """Noise, variance, relevances and slopes from the logarithms that are optimised."""
    features, covariates = width
    values = np.exp(logs)
    relevance = values[3 + covariates :]
    usual = np.exp(median[3 + covariates : 3 + covariates + features])
    trend = values[2] * relevance[:features] / usual
    return values[0], values[1], relevance, np.concatenate([trend, values[3 : 3 + covariates]])


@one_blas_thread()
def condition(kernel: Kernel, features: Floats, covariates: Floats, values: Floats) -> Posterior:
    """The process given (n,) values of candidates with these features and covariates."""
    rows = kernel.scaled(features, covariates)
    covariance = kernel(rows, rows) + (kernel.noise + _JITTER) * np.eye(len(rows))
    inverse = _inverse(cho_factor(covariance, lower=True)[0])
    target = (values - kernel.value[0]) / kernel.value[1]
    return Posterior(kernel, rows, inverse, inverse @ target)


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """The negative logarithm of the hyperparameters' posterior, with its gradient."""

    rows: Floats
    target: Floats
    median: Floats
    spread: Floats
    width: tuple[int, int]

    def unpack(self, logs: Floats) -> tuple[float, float, Floats, Floats]:
        return _unpack(logs, self.median, self.width)

    def __call__(self, logs: Floats) -> tuple[float, Floats]:
        noise, variance, relevance, slopes = self.unpack(logs)
        rows, identity = self.rows, np.eye(len(self.rows))
        smooth = variance * np.exp(-_squared(rows, rows, relevance))
        covariance = smooth + (rows * slopes) @ rows.T + (noise + _JITTER) * identity
        try:
            factor = cho_factor(covariance, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            return 1e10, np.zeros_like(logs)
        weights = cho_solve(factor, self.target, check_finite=False)
        inverse = _inverse(factor[0])
        # The derivative of the negative log likelihood by the covariance.
        pull = 0.5 * (inverse - np.outer(weights, weights))
        away = (logs - self.median) / self.spread
        value = 0.5 * self.target @ weights + np.log(np.diag(factor[0])).sum() + 0.5 * away @ away
        gradient = self._gradient(pull, pull * smooth, noise, relevance, slopes)
        return float(value), gradient + away / self.spread

    def _gradient(
        self, pull: Floats, smooth: Floats, noise: float, relevance: Floats, slopes: Floats
    ) -> Floats:
        features, covariates = self.width
        rows = self.rows
        # Σ_ij M_ij (x_if − x_jf)², for symmetric M, without a (features, n, n) array.
        apart = 2 * (smooth.sum(axis=1) @ rows**2 - (rows * (smooth @ rows)).sum(axis=0))
        trend = (rows * (pull @ rows)).sum(axis=0) * slopes
        bends = -apart * relevance
        bends[:features] += trend[:features]
        first = [np.trace(pull) * noise, smooth.sum(), trend[:features].sum()]
        return np.concatenate([first, trend[features : features + covariates], bends])


def _inverse(lower: Floats) -> Floats:
    """The inverse of a matrix from its lower Cholesky factor.

    LAPACK's own routine takes a third of the work of solving for the identity.
    """
    if not len(lower):
        return lower
    inverse, _ = lapack.dpotri(lower, lower=1)
    below: Floats = np.tril(inverse)
    return below + np.tril(below, -1).T


def _squared(a: Floats, b: Floats, weights: Floats) -> Floats:
    """(n, m) weighted squared distances."""
    a, b = a * np.sqrt(weights), b * np.sqrt(weights)
    apart: Floats = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
    return np.maximum(apart, 0)
