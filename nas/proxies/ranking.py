"""How alike two rankings of networks are, and how sure of it so few networks make us."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

Floats = NDArray[np.float64]

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Tau:
    """Kendall's τ-b with its 95 % interval, by bootstrap over networks."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def kendall(scores: Sequence[float], truth: Sequence[float]) -> Tau:
    """Of two (n,) sequences; 0 where one of them ranks nothing."""
    a, b = np.asarray(scores, float), np.asarray(truth, float)
    return _interval(_tau(a, b), [_tau(a[drawn], b[drawn]) for drawn in _resamples(len(a))])


def kendall_gain(scores: Sequence[float], others: Sequence[float], truth: Sequence[float]) -> Tau:
    """By how much `scores` rank better than `others` do: of the same resamples of networks."""
    a, b, t = (np.asarray(values, float) for values in (scores, others, truth))
    gains = [_tau(a[d], t[d]) - _tau(b[d], t[d]) for d in _resamples(len(a))]
    return _interval(_tau(a, t) - _tau(b, t), gains)


def _tau(a: Floats, b: Floats) -> float:
    value = float(kendalltau(a, b).statistic)
    return value if np.isfinite(value) else 0.0


def _resamples(count: int) -> NDArray[np.int64]:
    drawn: NDArray[np.int64] = np.random.default_rng(0).integers(0, count, (_RESAMPLES, count))
    return drawn


def _interval(value: float, resampled: Sequence[float]) -> Tau:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Tau(value, float(low), float(high))
