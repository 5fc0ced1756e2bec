"""How alike two rankings of networks are, and how sure of it so few networks make us."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.statistics.bootstrap import percentile_interval, resample_counts
from nas.statistics.intervals import Interval

Floats = NDArray[np.float64]


def kendall_tau(scores: Sequence[float] | Floats, truth: Sequence[float] | Floats) -> float:
    """Kendall's τ-b of two (n,) sequences; NaN where one of them ranks nothing.

    It takes n log n steps, where `kendall` takes n² for the resamples of its interval.
    """
    from scipy.stats import kendalltau  # a second to import, which most calls do without

    return float(kendalltau(scores, truth).statistic)


def kendall(scores: Sequence[float], truth: Sequence[float]) -> Interval:
    """Kendall's τ-b of two (n,) sequences, with its interval by bootstrap over networks.

    It is 0 where one of them ranks nothing, as happens in resamples: they would have no interval
    otherwise.
    """
    pairs = _Pairs.of(scores, truth)
    return _interval(pairs.tau(np.ones((1, len(scores)))), pairs.tau(resample_counts(len(scores))))


def kendall_gain(
    scores: Sequence[float], others: Sequence[float], truth: Sequence[float]
) -> Interval:
    """By how much the τ-b of `scores` exceeds that of `others`, on the same resamples."""
    pairs, other_pairs = _Pairs.of(scores, truth), _Pairs.of(others, truth)
    once, drawn = np.ones((1, len(scores))), resample_counts(len(scores))
    return _interval(
        pairs.tau(once) - other_pairs.tau(once), pairs.tau(drawn) - other_pairs.tau(drawn)
    )


def standardised_sum(scores: Sequence[float], others: Sequence[float]) -> list[float]:
    """The sum of two (n,) scores of the same networks, each less its mean and over its standard
    deviation."""
    both = [np.asarray(values, dtype=np.float64) for values in (scores, others)]
    alike = [(values - values.mean()) / (values.std() or 1.0) for values in both]
    summed: list[float] = (alike[0] + alike[1]).tolist()
    return summed


@dataclass(frozen=True, slots=True)
class _Pairs:
    """How two sequences order each pair of networks; (n, n) each."""

    agree: Floats
    """1 where both order the pair alike, -1 where they do not, 0 where one does not order it"""
    first: Floats
    """1 where the first sequence orders the pair, or else 0"""
    second: Floats
    """1 where the second sequence orders the pair, or else 0"""

    @classmethod
    def of(cls, scores: Sequence[float], truth: Sequence[float]) -> "_Pairs":
        a, b = (np.asarray(values, dtype=np.float64) for values in (scores, truth))
        signs = [np.sign(values[:, None] - values) for values in (a, b)]
        return cls(signs[0] * signs[1], np.abs(signs[0]), np.abs(signs[1]))

    def tau(self, counts: Floats) -> Floats:
        """τ-b of samples that hold each network `counts` times, (m, n); (m,)."""
        agree, first, second = (
            ((counts @ pairs) * counts).sum(axis=1)
            for pairs in (self.agree, self.first, self.second)
        )
        ordered = np.sqrt(first * second)
        tau: Floats = np.divide(agree, ordered, out=np.zeros(len(counts)), where=ordered > 0)
        return tau


def _interval(value: Floats, resampled: Floats) -> Interval:
    low, high = percentile_interval(resampled)
    return Interval(float(value[0]), float(low), float(high))
