"""Kernel ridge regression of accuracies, on log error: plain arrays in, plain arrays out.

    k(x, x′) = t · (1 + x·x′ / f) + s · exp(−γ |x − x′|² / f)

over f features that vary by about one: a linear trend, and what deviates from it smoothly. γ and
the ridge are those of the least cross-validated error.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, lapack
from scipy.stats import kendalltau

Floats = NDArray[np.float64]

_TREND = 10.0
_SMOOTH = 4.0
_WIDTHS = (0.05, 0.1, 0.2, 0.4)
_RIDGES = (0.003, 0.01, 0.03, 0.1, 0.3)
_CHOSEN_ON = 1000
"""Networks that γ and the ridge are chosen on, at most."""
_FOLDS = 5
_SMALLEST_ERROR = 1e-4
_CHUNK = 512
"""Networks predicted at once: the memory it takes is so many times those that were learnt from."""


@dataclass(frozen=True)
class Fit:
    """What was learnt."""

    features: Floats
    """(n, f) of the networks learnt from"""
    weights: Floats
    """(n,)"""
    slopes: Floats
    """(f,) of the trend"""
    offset: float
    """Of the log error, with its scale."""
    scale: float
    width: float
    """γ"""

    @cached_property
    def _norms(self) -> Floats:
        return _norms(self.features)

    def predict(self, features: Floats) -> Floats:
        """(m,) accuracies, from 0 to 1, of (m, f) features."""
        chunks = [features[i : i + _CHUNK] for i in range(0, len(features), _CHUNK)]
        return np.concatenate([np.empty(0), *(self._predict(chunk) for chunk in chunks)])

    def _predict(self, features: Floats) -> Floats:
        apart = _apart(features, self.features, self._norms)
        smooth = _SMOOTH * np.exp(-self.width * apart)
        standard = features @ self.slopes + smooth @ self.weights
        return _accuracy(self.offset + self.scale * standard)


@dataclass(frozen=True, slots=True)
class Quality:
    """Of predictions of networks that were left out, in 5-fold cross-validation."""

    tau: float
    """Kendall's rank correlation."""
    r2: float
    """Share of the variance explained."""
    rmse: float
    """Root mean squared error, a fraction."""


def fit(features: Floats, accuracies: Floats) -> tuple[Fit, Quality]:
    """Learn (n,) accuracies of (n, f) features; the same data give the same fit."""
    logs = np.log(np.maximum(1 - accuracies, _SMALLEST_ERROR))
    offset, scale = float(logs.mean()), float(logs.std()) or 1.0
    target = (logs - offset) / scale
    order = np.random.default_rng(0).permutation(len(target))
    folds = np.array_split(order, _FOLDS)
    width, ridge = _chosen(features, target, order[:_CHOSEN_ON])
    inverse = _inverse(_kernel(features, width), ridge)
    weights = inverse @ target
    slopes = _TREND * (weights @ features) / features.shape[1]
    offset_of_trend = scale * _TREND * float(weights.sum())
    left_out = target - _left_out_errors(inverse, weights, folds)
    return (
        Fit(features, weights, slopes, offset + offset_of_trend, scale, width),
        _quality(_accuracy(offset + scale * left_out), accuracies),
    )


def _chosen(features: Floats, target: Floats, among: NDArray[np.int64]) -> tuple[float, float]:
    """γ and the ridge of the least error on networks left out."""
    features, target = features[among], target[among]
    folds = np.array_split(np.arange(len(target)), _FOLDS)
    errors = {}
    for width in _WIDTHS:
        kernel = _kernel(features, width)
        for ridge in _RIDGES:
            inverse = _inverse(kernel, ridge)
            left_out = _left_out_errors(inverse, inverse @ target, folds)
            errors[width, ridge] = float((left_out**2).mean())
    return min(errors, key=lambda chosen: errors[chosen])


def _left_out_errors(inverse: Floats, weights: Floats, folds: list[NDArray[np.int64]]) -> Floats:
    """(n,) errors for each fold of a fit to the others, without fitting again.

    Of the blocks of the inverse G: e_B = G_BB⁻¹ (G y)_B (Rasmussen and Williams 2006, eq. 5.12,
    for more than one left out).
    """
    errors = np.empty_like(weights)
    for fold in folds:
        errors[fold] = np.linalg.solve(inverse[np.ix_(fold, fold)], weights[fold])
    return errors


def _kernel(features: Floats, width: float) -> Floats:
    """(n, n)"""
    kernel: Floats = _SMOOTH * np.exp(-width * _apart(features, features, _norms(features)))
    kernel += _TREND * (1 + features @ features.T / features.shape[1])
    return kernel


def _inverse(kernel: Floats, ridge: float) -> Floats:
    """(n, n) of the kernel with the ridge on its diagonal."""
    lower = cholesky(kernel + ridge * np.eye(len(kernel)), lower=True, overwrite_a=True)
    inverse, _ = lapack.dpotri(lower, lower=1, overwrite_c=1)
    below: Floats = np.tril(inverse)
    return below + np.tril(below, -1).T


def _apart(a: Floats, b: Floats, norms: Floats) -> Floats:
    """(n, m) mean squared differences of features; (m,) norms of the rows of b."""
    squares: Floats = _norms(a)[:, None] + norms - 2 * a @ b.T
    apart: Floats = np.maximum(squares, 0) / a.shape[1]
    return apart


def _norms(features: Floats) -> Floats:
    norms: Floats = (features * features).sum(axis=1)
    return norms


def _accuracy(logs: Floats) -> Floats:
    accuracies: Floats = np.clip(1 - np.exp(logs), 0, 1)
    return accuracies


def _quality(predicted: Floats, true: Floats) -> Quality:
    squares = (predicted - true) ** 2
    return Quality(
        tau=float(kendalltau(predicted, true).statistic),
        r2=float(1 - squares.mean() / true.var()),
        rmse=float(np.sqrt(squares.mean())),
    )
