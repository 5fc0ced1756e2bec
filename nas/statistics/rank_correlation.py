"""How alike two rankings of networks are, and how sure of it so few networks make us."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RESAMPLES = 4000


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
    pairs = _Pairs.of(scores, truth)
    return _interval(pairs.tau(np.ones((1, len(scores)))), pairs.tau(_resamples(len(scores))))


def kendall_gain(scores: Sequence[float], others: Sequence[float], truth: Sequence[float]) -> Tau:
    """By how much `scores` rank better than `others` do: of the same resamples of networks."""
    pairs, free = _Pairs.of(scores, truth), _Pairs.of(others, truth)
    once, drawn = np.ones((1, len(scores))), _resamples(len(scores))
    return _interval(pairs.tau(once) - free.tau(once), pairs.tau(drawn) - free.tau(drawn))


def together(scores: Sequence[float], others: Sequence[float]) -> list[float]:
    """Two (n,) scores of the same networks as one: each less its mean, over its deviation."""
    both = [np.asarray(values, dtype=np.float64) for values in (scores, others)]
    alike = [(values - values.mean()) / (values.std() or 1.0) for values in both]
    summed: list[float] = (alike[0] + alike[1]).tolist()
    return summed


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Whether two sequences order each pair alike, and which of them order it at all; (n, n)."""

    agree: Floats
    first: Floats
    second: Floats

    @classmethod
    def of(cls, scores: Sequence[float], truth: Sequence[float]) -> "_Pairs":
        a, b = (np.asarray(values, dtype=np.float64) for values in (scores, truth))
        signs = [np.sign(values[:, None] - values) for values in (a, b)]
        return cls(signs[0] * signs[1], np.abs(signs[0]), np.abs(signs[1]))

    def tau(self, counts: Floats) -> Floats:
        """(m,) of samples that hold each network so often; `counts` is (m, n)."""
        agree, first, second = (
            ((counts @ pairs) * counts).sum(axis=1)
            for pairs in (self.agree, self.first, self.second)
        )
        ordered = np.sqrt(first * second)
        tau: Floats = np.divide(agree, ordered, out=np.zeros(len(counts)), where=ordered > 0)
        return tau


def _resamples(count: int) -> Floats:
    """(resamples, count) how often each is drawn, with return."""
    rng = np.random.default_rng(0)
    return rng.multinomial(count, [1 / count] * count, size=_RESAMPLES).astype(np.float64)


def _interval(value: Floats, resampled: Floats) -> Tau:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Tau(float(value[0]), float(low), float(high))
