"""A trained network in int8, with what that costs: both measured on the same images."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas.data.loader import Batch, Loader
from nas.data.sources import Split
from nas.data.splits import stratified_order
from nas.deploy.onnx_network import OnnxNetwork
from nas.deploy.quantise import Images, quantised
from nas.networks.export import Dynamic, onnx_model
from nas.statistics.intervals import Interval, paired_difference, share_interval
from nas.training.accuracy import Answers, answers
from nas.training.classifier import ImageClassifier
from search_spaces.arch import Arch
from search_spaces.files import written

COLLAPSE = 0.03
"""The drop of accuracy from which on int8 is said to have failed: a few points"""
_BATCH = 32
_FRAGILE = frozenset({"silu", "swish", "hard_swish", "gelu"})
"""Activations without an upper end, and with values below 0 that matter"""

Progress = Callable[[str, int, int], None]
"""It is told of what is done, images done, and images in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Report:
    """How a network in int8 compares with itself in float32, as ONNX Runtime runs both here."""

    images: int
    """Labelled images, the same for both."""
    calibration: int
    """Training images that ranges were taken of."""
    float32: Interval
    """Accuracy, a fraction, as all three."""
    int8: Interval
    difference: Interval
    """The accuracy of int8 less that of float32, by the images on which they differ."""
    bytes_float32: int
    bytes_int8: int

    @property
    def ratio(self) -> float:
        """The file's size over that of the float network's."""
        return self.bytes_int8 / self.bytes_float32

    @property
    def collapsed(self) -> bool:
        """Whether accuracy drops by more than a few points."""
        return self.difference.value < -COLLAPSE


def write_int8(
    classifier: ImageClassifier,
    calibration: Split,
    validation: Split,
    path: Path,
    *,
    dynamic: Dynamic = "batch",
    about: dict[str, Any] | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Int8Report:
    """Write a trained network as an int8 ONNX file, and measure it beside the float one.

    Its input is normalised images, as the float file's. The file's metadata, under `nas_search`,
    hold `about`, the report, classes, mean and standard deviation as JSON. Raises UserError where
    the extra `onnx` is not installed or an image cannot be read.
    """
    whole = onnx_model(classifier.network, dynamic)
    small = quantised(whole, _normalised(classifier, calibration, progress))
    kinds = {"float32": whole, "int8": small}
    float32, int8 = (_answered(classifier, c, validation, k, progress) for k, c in kinds.items())
    right = [answered.before == 0 for answered in (float32, int8)]
    count = len(validation)
    report = Int8Report(
        images=count,
        calibration=len(calibration),
        float32=share_interval(int(right[0].sum()), count),
        int8=share_interval(int(right[1].sum()), count),
        difference=paired_difference(
            int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum()), count
        ),
        bytes_float32=len(whole),
        bytes_int8=len(small),
    )
    told = {"classes": list(classifier.classes), "mean": classifier.mean.tolist()}
    told |= {"std": classifier.std.tolist(), **asdict(report), **(about or {})}
    path.parent.mkdir(parents=True, exist_ok=True)
    with written(path) as file:
        file.write(_noted(small, told))
    return report


def drawn(split: Split, most: int) -> Split:
    """At most so many images, the same each time, of all classes alike as far as there are any."""
    if len(split) <= most:
        return split
    return split.take(np.sort(stratified_order(split.labels, 0)[:most]))


def fragile(arch: Arch) -> tuple[str, ...]:
    """What of a network is known to suffer in int8, in words; nothing of a plain one."""
    blocks = {stage.activation or arch.activation for stage in arch.stages} | {arch.activation}
    found = [name for name in sorted(blocks) if name in _FRAGILE]
    gated = any(stage.se for stage in arch.stages)
    return (*found, *(["squeeze-and-excitation"] if gated else []))


def _normalised(classifier: ImageClassifier, split: Split, progress: Progress) -> Iterator[Images]:
    for batch in _batches(classifier, split, "calibrate", progress):
        yield classifier.normalised(batch.pixels).contiguous().numpy()


def _answered(
    classifier: ImageClassifier, content: bytes, split: Split, kind: str, progress: Progress
) -> Answers:
    batches = _batches(classifier, split, f"validate {kind}", progress)
    return answers(OnnxNetwork(content), batches, classifier.mean, classifier.std)


def _batches(
    classifier: ImageClassifier, split: Split, what: str, progress: Progress
) -> Iterator[Batch]:
    loader = Loader(
        split=split, transform=classifier.transform, batch_size=_BATCH, seed=0, workers=0
    )
    done = 0
    for batch in loader.in_order():
        yield batch
        done += len(batch.labels)
        progress(what, done, len(split))


def _noted(content: bytes, told: dict[str, Any]) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    entry = model.metadata_props.add()
    entry.key, entry.value = "nas_search", json.dumps(told)
    noted: bytes = model.SerializeToString()
    return noted
