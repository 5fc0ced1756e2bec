"""The images of a whole training: what it learns from, what picks its epoch, what it is judged on.

A search holds images out of the training images to compare networks by. A whole training learns
from these too, and holds out a minival of its own; the test images stay what they were.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from nas.data.dataset import channel_statistics, decode
from nas.data.images import ImageSummary
from nas.data.names import shown
from nas.data.sources import Split, Splits
from nas.data.splits import stratified_order
from search_spaces.errors import UserError

_SAMPLE = 1024
"""Images that the mean is taken of."""

Numbers = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class TrainingSplits:
    """The splits of one training."""

    train: Split
    minival: Split | None
    """The images that pick the epoch; None where the last one counts."""
    test: Split
    """Read once, at the end."""
    notes: tuple[str, ...] = ()
    """What a user should know of how they came about."""


def training_splits(opened: Splits, minival: float | None, seed: int) -> TrainingSplits:
    """Hold out a minival of the training images: a share below 1, or a number of them.

    With 0 none are. With None, the data's validation images pick the epoch. Raises UserError where
    too few images are left to train on.
    """
    if minival is None:
        return TrainingSplits(opened.train, opened.val, opened.test)
    train = opened.train
    notes: tuple[str, ...] = ()
    if opened.own and "val" not in opened.own:
        train = _joined(opened.train, opened.val)
    else:
        said = f"{len(opened.val):,} validation images are not read; recipe.minival=null uses them"
        notes = (said,)
    if not minival:
        return TrainingSplits(train, None, opened.test, notes)
    count = int(minival) if minival >= 1 else max(1, round(minival * len(train)))
    if count >= len(train):
        raise UserError(
            f"recipe.minival: expected fewer than the {len(train):,} training images, got {count:,}"
        )
    order = stratified_order(train.labels, seed)
    kept, held = train.take(np.sort(order[count:])), train.take(np.sort(order[:count]))
    left = np.bincount(kept.labels, minlength=len(opened.classes))
    if not left.all():
        rare = shown(opened.classes[int(left.argmin())])
        raise UserError(f"recipe.minival: {count:,} images leave none of class {rare} to train on")
    return TrainingSplits(kept, held, opened.test, notes)


def colours(split: Split, resolution: int) -> tuple[Numbers, Numbers, ImageSummary]:
    """Mean and standard deviation of each channel, 0 to 255, and what the images read were.

    They are of at most 1,024 images, evenly chosen. Raises UserError for one that cannot be
    decoded.
    """
    chosen = np.linspace(0, len(split) - 1, min(len(split), _SAMPLE)).astype(np.int64)
    images, summary = decode(split.take(chosen), resolution)
    mean, std = channel_statistics(torch.from_numpy(images))
    return _three(mean), _three(std), summary


def _three(values: torch.Tensor) -> Numbers:
    red, green, blue = values.tolist()
    return red, green, blue


def _joined(split: Split, held: Split) -> Split:
    """The images of two parts of one split, in the order they have there."""
    positions = np.concatenate([split.positions, held.positions])
    labels = np.concatenate([split.labels, held.labels])
    order = np.argsort(positions, kind="stable")
    return replace(split, labels=labels[order], positions=positions[order])
