"""The figures of an evaluation, for people and for programs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas.data.names import shown
from nas.networks.tested import Accuracy
from nas.runs.csv_files import text_cell, write_table
from nas.statistics.intervals import Interval
from nas.statistics.metrics import METRICS, Metric
from nas.training.classifier import ImageClassifier
from nas.training.evaluation import Evaluation
from nas.verbs.columns import table
from search_spaces.files import write_text

_LISTED = 10
"""The most classes that are printed: of more, the worst"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A network's metrics on a split of some data."""

    classifier: ImageClassifier
    weights: str
    data: Mapping[str, str | int | float]
    """The data's name and identity."""
    split: str
    metric: Metric
    """What the data's networks are judged by."""
    found: Evaluation

    @property
    def name(self) -> str:
        """What its files begin with: the split, and the pixels that the network saw."""
        return f"{self.split}_{self.classifier.transform.side}px"


def printed(evaluated: Evaluated) -> str:
    """A table of the metrics, and one of the classes that are told apart worst."""
    found, seen = evaluated.found, evaluated.classifier.transform
    rows = [(METRICS[metric], *_cells(found.by(metric))) for metric in _ordered(evaluated.metric)]
    if found.top5 is not None:
        rows.append(("top-5 accuracy", *_cells(found.top5)))
    rows.append(("cross-entropy loss", f"{found.loss:.4f}", ""))
    rows.append(("expected calibration error", f"{found.calibration_error:.4f}", ""))
    card = evaluated.classifier.card
    if card is not None and card.test is not None:
        rows.append((f"{METRICS[card.metric]} at its training", *_cells(card.test.by(card.metric))))
    title = (
        f"{evaluated.classifier.name} on the {evaluated.split} split of "
        f"{shown(evaluated.data['name'])}: {found.images:,} images of "
        f"{np.count_nonzero(found.images_per_class):,} classes at {seen.side} px, "
        f"crop {seen.crop_pct:g}"
    )
    return f"{title}\n\n{table(('', 'value', '95 % interval'), rows)}\n\n{_worst(evaluated)}"


def _ordered(metric: Metric) -> list[Metric]:
    """Both metrics, the one that networks are judged by first."""
    return sorted(METRICS, key=lambda each: each != metric)


def _worst(evaluated: Evaluated) -> str:
    found, classes = evaluated.found, evaluated.classifier.classes
    judged = [(i, found.of_class(i)) for i in np.flatnonzero(found.images_per_class).tolist()]
    ordered = sorted(judged, key=lambda pair: pair[1].value if pair[1] else 0.0)
    rows = [
        (
            shown(classes[index]),
            f"{found.images_per_class[index]:,}",
            *_cells(accuracy),
            _mistake(found, classes, index),
        )
        for index, accuracy in ordered[:_LISTED]
        if accuracy is not None
    ]
    whose = "class" if len(ordered) <= _LISTED else f"worst {_LISTED} of {len(ordered):,} classes"
    header = (whose, "images", "accuracy", "95 % interval", "most often taken for")
    return table(header, rows)


def _mistake(found: Evaluation, classes: tuple[str, ...], index: int) -> str:
    """The class that images of one are most often taken for; empty where none are."""
    others = found.confusion[index].copy()
    others[index] = 0
    most = int(others.argmax())
    return f"{shown(classes[most])} ({others[most]:,})" if others[most] else ""


def _cells(interval: Interval | Accuracy) -> tuple[str, str]:
    return f"{interval.value:.4f}", f"{interval.low:.4f}–{interval.high:.4f}"


def write(evaluated: Evaluated, folder: Path) -> tuple[Path, Path]:
    """Write the metrics as JSON and the confusion matrix as CSV; give their paths."""
    metrics = folder / f"{evaluated.name}.json"
    confusion = folder / f"{evaluated.name}_confusion.csv"
    write_text(metrics, json.dumps(_plain(evaluated), indent=2) + "\n")
    names = [text_cell(name) for name in evaluated.classifier.classes]
    rows = zip(names, evaluated.found.confusion.tolist(), strict=True)
    write_table(confusion, ["class \\ predicted", *names], ([name, *row] for name, row in rows))
    return metrics, confusion


def _plain(evaluated: Evaluated) -> dict[str, Any]:
    found, classifier = evaluated.found, evaluated.classifier
    classes = []
    for index, name in enumerate(classifier.classes):
        accuracy = found.of_class(index)
        images = int(found.images_per_class[index])
        classes.append({"class": name, "images": images, "accuracy": _ends(accuracy)})
    return {
        "network": classifier.network.arch.name,
        "weights": evaluated.weights,
        "resolution": classifier.transform.side,
        "crop_pct": classifier.transform.crop_pct,
        "data": dict(evaluated.data),
        "split": evaluated.split,
        "images": found.images,
        "metric": evaluated.metric,
        "accuracy": _ends(found.accuracy),
        "top5": _ends(found.top5),
        "mean_per_class": _ends(found.mean_per_class),
        "loss": found.loss,
        "calibration_error": found.calibration_error,
        "classes": classes,
    }


def _ends(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"value": interval.value, "low": interval.low, "high": interval.high}
