"""Regression of accuracies: the sampler's Gaussian process, fitted to the log errors of a table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.prediction.gaussian_process import Kernel, Prior, condition, fit
from nas.statistics.rank_correlation import kendall_tau

Floats = NDArray[np.float64]

_CHOSEN_ON = 1500
"""The most networks that the kernel is fitted to; the regression learns from all of them."""
_FOLDS = 5
_SMALLEST_ERROR = 1e-4
_CHUNK = 512
"""Networks predicted at once: memory grows with this number times that of the networks learnt."""


@dataclass(frozen=True, slots=True)
class Regression:
    """A fitted regression."""

    kernel: Kernel
    features: Floats
    """(n, f) features of the networks learnt from"""
    weights: Floats
    """(n,) weights of their covariances with a new network"""

    def predict(self, features: Floats) -> Floats:
        """(m,) accuracies, from 0 to 1, of networks with (m, f) features."""
        mean, scale = self.kernel.value
        chunks = [features[i : i + _CHUNK] for i in range(0, len(features), _CHUNK)]
        values = [self.kernel(chunk, self.features) @ self.weights for chunk in chunks]
        return _accuracy(mean + scale * np.concatenate([np.empty(0), *values]))


@dataclass(frozen=True, slots=True)
class Quality:
    """How well networks are predicted that were left out, in 5-fold cross-validation."""

    tau: float
    """Kendall's rank correlation."""
    r2: float
    """Share of the variance explained."""
    rmse: float
    """Root mean squared error, a fraction."""


def learn(features: Floats, accuracies: Floats) -> tuple[Regression, Quality]:
    """Learn (n,) accuracies from (n, f) features; the same data give the same regression."""
    errors = np.log(np.maximum(1 - accuracies, _SMALLEST_ERROR))
    nothing = np.empty((len(features), 0))
    order = np.random.default_rng(0).permutation(len(features))
    some = order[:_CHOSEN_ON]
    kernel = fit(features[some], nothing[some], errors[some], Prior())
    known = condition(kernel, features, nothing, errors)
    mean, scale = kernel.value
    left_out = (errors - mean) / scale - _left_out_errors(
        known.inverse, known.weights, np.array_split(order, _FOLDS)
    )
    quality = _quality(_accuracy(mean + scale * left_out), accuracies)
    return Regression(kernel, known.seen, known.weights), quality


def _left_out_errors(inverse: Floats, weights: Floats, folds: list[NDArray[np.int64]]) -> Floats:
    """(n,) residuals of each fold under a fit to the other folds, without fitting again.

    With G the inverse of the covariance, those of fold B are e_B = G_BB⁻¹ (G y)_B (Rasmussen and
    Williams 2006, eq. 5.12, for more than one left out).
    """
    errors = np.empty_like(weights)
    for fold in folds:
        errors[fold] = np.linalg.solve(inverse[np.ix_(fold, fold)], weights[fold])
    return errors


def _accuracy(errors: Floats) -> Floats:
    accuracies: Floats = np.clip(1 - np.exp(errors), 0, 1)
    return accuracies


def _quality(predicted: Floats, true: Floats) -> Quality:
    squares = (predicted - true) ** 2
    return Quality(
        tau=kendall_tau(predicted, true),
        r2=float(1 - squares.mean() / true.var()),
        rmse=float(np.sqrt(squares.mean())),
    )
