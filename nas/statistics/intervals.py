"""Values with their 95 % intervals, and standard errors."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.statistics.bootstrap import percentile_interval, resample_counts

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.96
"""Standard errors on either side of a normal estimate that make a 95 % interval"""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, and the interval that holds the true one with 95 %."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """The same in another unit: a factor above 0 times it."""
        return Interval(factor * self.value, factor * self.low, factor * self.high)

    def __format__(self, spec: str) -> str:
        """Value and interval, each number in the format `spec`: `0.52 [0.31, 0.70]`."""
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def mean_interval(values: Floats) -> Interval:
    """The mean of (n,) values, which may be anything but normal: by bootstrap."""
    means, low, high = mean_intervals(values[:, None])
    return Interval(float(means[0]), float(low[0]), float(high[0]))


def mean_intervals(values: Floats) -> tuple[Floats, Floats, Floats]:
    """The mean of each column of (n, columns) values, and the ends of its interval; (columns,)
    each. Rows are resampled as a whole."""
    count = len(values)
    low, high = percentile_interval(resample_counts(count) @ values / count)
    return values.mean(axis=0), low, high


def share_interval(hits: int, of: int) -> Interval:
    """The share of hits among so many trials: Wilson's interval (JASA 22, 1927)."""
    return _wilson(hits / of, of)


def mean_share_interval(hits: Integers, of: Integers) -> Interval:
    """The mean of several shares, such as the accuracies on the images of each class.

    `hits` and `of` are (n,); shares of none are left out. The interval is Wilson's for as many
    trials as would make the mean as uncertain as it is (the effective sample size: Franco, Little,
    Louis & Slud, Journal of Survey Statistics and Methodology 7, 2019). Its variance is that of
    independent binomial shares; but at least that of shares which are all the mean, since a share
    of few trials that are all hits, or none, has a variance of 0 whatever lies behind it. Of
    equally many trials each, it is the interval of all of them together.
    """
    there = of > 0
    shares, trials = hits[there] / of[there], of[there]
    mean = float(shares.mean())
    trials_as_equal = len(trials) ** 2 / float((1 / trials).sum())
    variance = float((shares * (1 - shares) / trials).sum()) / len(trials) ** 2
    spread = mean * (1 - mean)
    effective = spread / variance if variance * trials_as_equal > spread else trials_as_equal
    return _wilson(mean, effective)


def _wilson(share: float, of: float) -> Interval:
    z = NORMAL_QUANTILE
    unit = z * z / of
    middle = (share + unit / 2) / (1 + unit)
    half = z / (1 + unit) * math.sqrt(share * (1 - share) / of + unit / (4 * of))
    # Rounding may take an end a hair beyond the share, where all or none are hits.
    return Interval(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def share_error(share: float, of: int) -> float:
    """The standard error of a share of so many, such as an accuracy on so many images.

    It leaves out whatever else the share varies by, such as the seed of a training.
    """
    return math.sqrt(share * (1 - share) / of)


def mean_error(values: Sequence[float]) -> float | None:
    """The standard error of the mean of some values; None for fewer than two."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def paired_difference(only_first: int, only_second: int, of: int) -> Interval:
    """The share of hits of one less that of another, each tried on the same so many.

    Where both hit or both miss, they do not differ; the counts are of the others. The interval is
    Bonett and Price's (Biometrical Journal 54, 2012): Wald's with one more of each kind, which
    holds what it says for few trials and for shares near 0 or 1 too.
    """
    first, second = (only_first + 1) / (of + 2), (only_second + 1) / (of + 2)
    half = NORMAL_QUANTILE * math.sqrt((first + second - (first - second) ** 2) / (of + 2))
    value, middle = (only_first - only_second) / of, first - second
    return Interval(
        value, max(-1.0, min(value, middle - half)), min(1.0, max(value, middle + half))
    )
