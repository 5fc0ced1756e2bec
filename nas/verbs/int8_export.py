"""`nas-search export --format int8`: what it reads, and what it says."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from nas.data.dataset import identity, splits
from nas.data.names import shown, some
from nas.data.sources import Source, Split
from nas.data.training_splits import training_splits
from nas.deploy.int8 import Int8Report, drawn, fragile, write_int8
from nas.networks.export import Dynamic
from nas.training.class_names import matched
from nas.training.classifier import ImageClassifier
from nas.verbs.config import make
from nas.verbs.progress import Pace, ProgressLine
from search_spaces.errors import UserError, one_line


def int8(
    weights: str, data: Any, calibration: int, validation: int, dynamic: Dynamic, out: Path
) -> str:
    """Write trained weights as int8 ONNX; the lines that say what it costs.

    Raises UserError for data that is missing or of other classes.
    """
    if data is None:
        raise UserError(
            "data: expected the images that the network was trained on, such as data=imagefolder "
            "data.path=…: ranges are taken of some, and accuracy is measured on others"
        )
    source: Source = make(data, "data", Source)
    classifier = ImageClassifier.load(weights, torch.device("cpu"))
    train, held, notes = _images(source, classifier)
    for note in notes:
        print(f"export: {one_line(note)}", file=sys.stderr, flush=True)
    report = write_int8(
        classifier,
        drawn(train, calibration),
        drawn(held, validation),
        out,
        dynamic=dynamic,
        about={"network": classifier.name, "data": {"name": source.name, **identity(source)}},
        progress=_Lines(),
    )
    return "\n".join(_said(classifier, report, out))


def _images(source: Source, classifier: ImageClassifier) -> tuple[Split, Split, list[str]]:
    """Images to take ranges of, and such as the training did not learn from; what to know of them.

    The test split is left to `evaluate`.
    """
    opened, card, notes = splits(source), classifier.card, list[str]()
    share = None if card is None else card.recipe.get("minival")
    found = training_splits(opened, share or None, getattr(source, "seed", 0))
    train, held = found.train, found.minival
    if share == 0 and opened.holds_val_out:
        notes.append(
            "the validation images were learnt from (recipe.minival=0): new ones are harder"
        )
    if card is not None and card.data.get("digest") != identity(source)["digest"]:
        name = shown(source.name)
        notes.append(
            f"{name} is not the data that the network was trained on, or has changed since"
        )
    if held is None or not len(held):
        raise UserError(f"data: {shown(source.name)} has no validation images to measure by")
    kept = [
        matched(each, opened.classes, classifier.classes, source.name) for each in (train, held)
    ]
    if kept[1].absent:
        notes.append(f"no validation images of {some(kept[1].absent)}")
    return kept[0].split, kept[1].split, notes


def _said(classifier: ImageClassifier, report: Int8Report, out: Path) -> list[str]:
    mb = report.bytes_int8 / 1e6
    lines = [
        f"{classifier.name} as int8 ONNX (QDQ): {out}; {mb:.2f} MB, {report.ratio:.2f} × the float "
        f"file's; ranges of {report.calibration:,} training images",
        f"accuracy on the same {report.images:,} validation images, by ONNX Runtime on this CPU: "
        f"float {report.float32:.4f}, int8 {report.int8:.4f}",
        f"difference {report.difference:+.4f} (95 %)",
    ]
    if report.collapsed:
        lines.append(_advice(fragile(classifier.network.arch)))
    return lines


def _advice(suffers: tuple[str, ...]) -> str:
    """What to do about a drop of more than a few points."""
    if not suffers:
        return "that is more than a few points: try more images, with calibration=…"
    why = f"{' and '.join(suffers)} are known to collapse in int8"
    return f"that is more than a few points: {why}; space=deploy_int8 has ReLU6 and no SE"


@dataclass(slots=True)
class _Lines:
    """Tells the terminal of images that are done."""

    line: ProgressLine = field(default_factory=lambda: ProgressLine("export"))
    pace: Pace = field(default_factory=Pace)

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.line.stream.isatty() or done == total:
            self.line(done, total, what, None)
