"""The least noise of accuracies that are counted on a known number of images."""

import math
from collections.abc import Mapping, Sequence

import numpy as np


def validation_images(described: Mapping[str, object]) -> int | None:
    """How many images accuracies are counted on, by an evaluator's description; None for none."""
    images = described.get("validation images")
    return images if isinstance(images, int) and images > 0 else None


def least_noise(accuracies: Sequence[float], images: int | None) -> float:
    """The least standard deviation that one training's accuracy can have, a fraction.

    Two trainings are judged on the same n images: they differ by those that one has right and the
    other wrong. Of a part d of the images, the difference has the variance d / n (McNemar,
    Psychometrika 12, 1947), of which half is each training's: σ² ≥ d / (2n). d is at least what
    the accuracies differ by, of which the median of all pairs counts, and at least one image. The
    whole binomial variance would be that of trainings with images of their own. 0 where n is not
    known, or nothing was trained.
    """
    if not images or not len(accuracies):
        return 0.0
    values = np.asarray(accuracies, dtype=np.float64)
    first, second = np.triu_indices(len(values), k=1)
    apart = float(np.median(np.abs(values[first] - values[second]))) if len(first) else 0.0
    return math.sqrt(max(apart, 1 / images) / (2 * images))
