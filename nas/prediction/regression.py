"""Regression of accuracies, on log error: the sampler's Gaussian process, fitted to a table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from nas.prediction.gaussian_process import Kernel, Prior, condition, fit

Floats = NDArray[np.float64]

_CHOSEN_ON = 1500
"""Networks that the kernel is fitted to, at most; all are learnt from."""
_FOLDS = 5
_SMALLEST_ERROR = 1e-4
_CHUNK = 512
"""Networks predicted at once: the memory it takes is so many times those that were learnt from."""


@dataclass(frozen=True, slots=True)
class Regression:
    """What was learnt."""

    kernel: Kernel
    features: Floats
    """(n, f) of the networks learnt from"""
    weights: Floats
    """(n,)"""

    def predict(self, features: Floats) -> Floats:
        """(m,) accuracies, from 0 to 1, of (m, f) features."""
        mean, scale = self.kernel.value
        chunks = [features[i : i + _CHUNK] for i in range(0, len(features), _CHUNK)]
        values = [self.kernel(chunk, self.features) @ self.weights for chunk in chunks]
        return _accuracy(mean + scale * np.concatenate([np.empty(0), *values]))


@dataclass(frozen=True, slots=True)
class Quality:
    """Of predictions of networks that were left out, in 5-fold cross-validation."""

    tau: float
    """Kendall's rank correlation."""
    r2: float
    """Share of the variance explained."""
    rmse: float
    """Root mean squared error, a fraction."""


def learn(features: Floats, accuracies: Floats) -> tuple[Regression, Quality]:
    """Learn (n,) accuracies of (n, f) features; the same data give the same regression."""
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
    """(n,) errors for each fold of a fit to the others, without fitting again.

    Of the blocks of the inverse G: e_B = G_BB⁻¹ (G y)_B (Rasmussen and Williams 2006, eq. 5.12,
    for more than one left out).
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
        tau=float(kendalltau(predicted, true).statistic),
        r2=float(1 - squares.mean() / true.var()),
        rmse=float(np.sqrt(squares.mean())),
    )
