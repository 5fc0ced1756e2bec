"""What a trained network is worth on the test images: figures that stay with its weights."""

import math
from dataclasses import dataclass

from nas.statistics.metrics import Metric
from search_spaces.checks import check_within
from search_spaces.errors import UserError, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """A share of images, or the mean of several shares, and its 95 % interval (Wilson's)."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            check_within(name, getattr(self, name), 0, 1)
        if not self.low <= self.value <= self.high:
            interval = f"{self.low} to {self.high}"
            raise UserError(f"value: expected one within its interval, {interval}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A network's figures on the test images. Raises UserError for impossible values."""

    images: int
    accuracy: Accuracy
    """The share of images whose class is the most likely one (top-1)."""
    mean_per_class: Accuracy
    """The mean of the accuracies of those classes that have images."""
    top5: Accuracy | None
    """The share whose class is among the five most likely; None of five classes or fewer."""
    loss: float | None
    """The mean cross-entropy, in nats; None where a logit was no finite number."""
    calibration_error: float | None
    """The expected calibration error; None likewise."""

    def by(self, metric: Metric) -> Accuracy:
        """The figure that a metric is."""
        return self.accuracy if metric == "accuracy" else self.mean_per_class

    def __post_init__(self) -> None:
        if self.images < 1:
            raise UserError(f"images: expected at least 1, got {shown(self.images)}")
        for name in ("loss", "calibration_error"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise UserError(f"{name}: expected a finite number of at least 0, got {value}")
