"""How good a trained network is, from its answers to labelled images."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.networks.tested import Accuracy, Tested
from nas.statistics.intervals import Interval, mean_share_interval, share_interval
from nas.statistics.metrics import Metric
from nas.training.accuracy import Answers, Integers

_TOP = 5
"""The share of images whose class is among so many is told as well, where there are more classes"""
_BINS = 15
"""Bins of confidence of the calibration error, as in the paper's experiments"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The metrics of a network on labelled images. Shares are fractions."""

    images: int
    accuracy: Interval
    """The share of images whose class is the most likely one (top-1)."""
    top5: Interval | None
    """The share whose class is among the five most likely; None of five classes or fewer."""
    mean_per_class: Interval
    """The mean of the accuracies of those classes that have images."""
    loss: float
    """The mean cross-entropy, in nats."""
    calibration_error: float
    """The expected calibration error: by how much confidence and accuracy differ."""
    confusion: Integers
    """Images by their class (rows) and by the predicted one (columns); (classes, classes)."""

    @property
    def images_per_class(self) -> Integers:
        """How many images each class has; (classes,)."""
        counts: Integers = self.confusion.sum(axis=1)
        return counts

    def by(self, metric: Metric) -> Interval:
        """The figure that a metric is."""
        return self.accuracy if metric == "accuracy" else self.mean_per_class

    def tested(self) -> Tested:
        """What stays with the weights, where the images are those of the test split."""
        return Tested(
            images=self.images,
            accuracy=_kept(self.accuracy),
            mean_per_class=_kept(self.mean_per_class),
            top5=None if self.top5 is None else _kept(self.top5),
            loss=self.loss if math.isfinite(self.loss) else None,
            calibration_error=(
                self.calibration_error if math.isfinite(self.calibration_error) else None
            ),
        )

    def of_class(self, index: int) -> Interval | None:
        """The accuracy on the images of a class; None where it has none."""
        images = int(self.confusion[index].sum())
        return share_interval(int(self.confusion[index, index]), images) if images else None


def _kept(found: Interval) -> Accuracy:
    return Accuracy(value=found.value, low=found.low, high=found.high)


def evaluation(answers: Answers, classes: int) -> Evaluation:
    """The metrics of answers to at least one image, of so many classes."""
    images = len(answers)
    pairs = answers.labels * classes + answers.predicted
    confusion = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    return Evaluation(
        images=images,
        accuracy=share_interval(answers.right(), images),
        top5=share_interval(answers.right(_TOP), images) if classes > _TOP else None,
        mean_per_class=mean_share_interval(confusion.diagonal(), confusion.sum(axis=1)),
        loss=float(answers.loss.mean()),
        calibration_error=calibration_error(answers.confidence, answers.before == 0),
        confusion=confusion,
    )


def calibration_error(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = _BINS
) -> float:
    """The expected calibration error of (n,) predictions (arXiv 1706.04599, eq. 3).

    Confidences fall into bins of equal width, each with its upper end; the distance between the
    mean confidence and the accuracy of each counts by its share of the predictions. NaN where a
    confidence is.
    """
    if np.isnan(confidence).any():
        return math.nan
    # Rounding may take a probability a hair above 1.
    which = np.ceil(confidence * bins).clip(1, bins).astype(np.int64) - 1
    off = np.bincount(which, weights=confidence - right, minlength=bins)
    return float(np.abs(off).sum() / len(confidence))
