"""The metrics that trained networks are judged by, and what they are called."""

from collections.abc import Mapping
from typing import Literal

Metric = Literal["accuracy", "mean_per_class"]
"""The share of images that are classified rightly, or the mean of that share over the classes."""

METRICS: Mapping[Metric, str] = {
    "accuracy": "top-1 accuracy",
    "mean_per_class": "mean accuracy per class",
}
