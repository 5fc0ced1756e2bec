"""The bootstrap: how much a statistic varies over samples that might have been drawn instead."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RESAMPLES = 4000


def resample_counts(count: int) -> Floats:
    """How often each of `count` observations is in each resample, drawn with replacement.

    The shape is (resamples, count). The same count gives the same resamples, so that statistics of
    the same observations are compared on the same resamples.
    """
    rng = np.random.default_rng(0)
    return rng.multinomial(count, [1 / count] * count, size=_RESAMPLES).astype(np.float64)


def percentile_interval(resampled: Floats) -> tuple[Floats, Floats]:
    """The ends of the 95 % interval of (resamples, …) values of a statistic."""
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
    return low, high
