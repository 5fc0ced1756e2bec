"""Images at the resolution that a proxy trains at: resized once, batched from memory."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from nas.data.digest import digest
from nas.data.images import ImageSummary, quiet, rgb
from nas.data.names import shown
from nas.data.sources import Source, Split, Splits
from nas.statistics.metrics import Metric
from search_spaces.errors import UserError

_SAMPLE = 4096
"""Images that stand for all when the mean is taken of what doesn't fit in memory."""


class Pixels(Protocol):
    """Images of one size, as batches of uint8."""

    def batch(self, chosen: Tensor, device: torch.device) -> Tensor:
        """Images at the indices `chosen` (CPU, int64): uint8, [n, side, side, 3]."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """Images kept in memory, or on the device that trains on them."""

    images: Tensor

    def batch(self, chosen: Tensor, device: torch.device) -> Tensor:
        return self.images[chosen.to(self.images.device)].to(device)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Images decoded anew for every batch, for data beyond the memory allowed."""

    split: Split
    resolution: int

    def batch(self, chosen: Tensor, device: torch.device) -> Tensor:
        images, _ = decode(self.split.take(chosen.numpy()), self.resolution)
        return torch.from_numpy(images).to(device)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Images and their classes."""

    pixels: Pixels
    labels: Tensor
    """int64, [n]."""

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Labelled":
        """These images, moved to `device` if they are kept in memory."""
        kept = self.pixels
        if isinstance(kept, Kept):
            kept = Kept(kept.images.to(device))
        return Labelled(kept, self.labels.to(device))


@dataclass(frozen=True, slots=True)
class Dataset:
    """What the search trains and validates on."""

    num_classes: int
    resolution: int
    mirror: bool
    train: Labelled
    val: Labelled
    mean: Tensor
    """The mean of each channel of the training images, 0 to 255; [3]. `std` is their deviation."""
    std: Tensor
    summary: ImageSummary = field(default_factory=ImageSummary)
    """What the images that are kept were."""

    def to(self, device: torch.device) -> "Dataset":
        """This data set, moved to `device` as far as it is kept in memory."""
        return replace(
            self,
            train=self.train.to(device),
            val=self.val.to(device),
            mean=self.mean.to(device),
            std=self.std.to(device),
        )


def fold(data: Dataset, index: int, folds: int) -> Dataset:
    """The data set with another part of its images held out: fold `index` of `folds`.

    Each class keeps its share. Raises UserError for images that are not kept in memory.
    """
    parts = (data.train, data.val)
    kept = [part.pixels.images for part in parts if isinstance(part.pixels, Kept)]
    if len(kept) < len(parts):
        raise UserError("data.folds: expected 1, since the images do not fit in data.memory")
    images, labels = torch.cat(kept), torch.cat([part.labels for part in parts])
    shuffled = np.random.default_rng(0).permutation(len(labels))
    by_class = shuffled[np.argsort(labels.numpy()[shuffled], kind="stable")]
    held = np.sort(by_class[index % folds :: folds])
    others = np.setdiff1d(shuffled, held)
    train, val = (
        Labelled(Kept(images[chosen]), labels[chosen])
        for chosen in map(torch.from_numpy, (others, held))
    )
    return replace(data, train=train, val=val)


@functools.lru_cache(maxsize=1)
def splits(source: Source) -> Splits:
    """The opened source; a process opens it once."""
    return source.open()


def fits(source: Source, resolution: int) -> bool:
    """Whether the search's images are kept in memory at that resolution."""
    opened = splits(source)
    return (len(opened.train) + len(opened.val)) * resolution**2 * 3 <= source.memory * 1e9


@functools.lru_cache(maxsize=4)
def load(source: Source, resolution: int) -> Dataset:
    """The search's images at `resolution` pixels a side; a process decodes each size once.

    Raises UserError for data that is not there or cannot be used, naming what is wrong.
    """
    opened, keep = splits(source), fits(source, resolution)
    train, of_train = _labelled(opened.train, resolution, keep)
    val, of_val = _labelled(opened.val, resolution, keep)
    mean, std = _statistics(train)
    return Dataset(
        num_classes=len(opened.classes),
        resolution=resolution,
        mirror=source.mirror,
        train=train,
        val=val,
        mean=mean,
        std=std,
        summary=of_train + of_val,
    )


@functools.lru_cache(maxsize=4)
def verify(source: Source, resolution: int) -> ImageSummary:
    """What the images are, once those that the search keeps have been found whole, and test images.

    As many test images as the search has: what else there is of a far larger set goes unread, as do
    images that are decoded batch by batch. Raises UserError as `load`.
    """
    data = load(source, resolution)
    test, seen = splits(source).test, len(data.train) + len(data.val)
    _, of_test = decode(test.take(np.arange(min(len(test), seen))), 1)
    return data.summary + of_test


@functools.lru_cache(maxsize=1)
def identity(source: Source) -> Mapping[str, str | int | float]:
    """What the data are, wherever they lie: the same for a copy, another for other images.

    The number of classes, of images in each split that the data have, and a digest of the classes'
    names, all labels, all sizes and a sample of the contents. The memory allowed is part of it
    where it decides whether the mean is of a sample.
    """
    opened = splits(source)
    own = opened.own or {"train": opened.train, "val": opened.val, "test": opened.test}
    counts = {split: len(own[split]) for split in sorted(own)}
    memory = {"memory": source.memory} if len(opened.train) > _SAMPLE else {}
    return {
        "classes": len(opened.classes),
        **counts,
        "digest": digest(opened.classes, own),
        **memory,
    }


def digest_of_test(source: Source) -> str:
    """A digest of the test images, another one where others are held out for testing."""
    opened = splits(source)
    return digest(opened.classes, {"test": opened.test})


def splitting(source: Source) -> dict[str, object]:
    """How images are split and mirrored; not what they are called, nor where they lie."""
    names = ("limit", "folds", "val_fraction", "test_fraction", "seed", "mirror")
    return {name: getattr(source, name) for name in names if hasattr(source, name)}


def metric_of(source: Source) -> Metric:
    """What networks that are trained on the data are judged by; top-1 where a source of somebody's
    own does not say."""
    metric: Metric = getattr(source, "metric", "accuracy")
    return metric


def _labelled(split: Split, resolution: int, keep: bool) -> tuple[Labelled, ImageSummary]:
    labels = torch.from_numpy(split.labels)
    if not keep:
        return Labelled(Decoded(split, resolution), labels), ImageSummary()
    images, summary = decode(split, resolution)
    return Labelled(Kept(torch.from_numpy(images)), labels), summary


def decode(split: Split, resolution: int) -> tuple[np.ndarray, ImageSummary]:
    """The split's images, uint8, [n, resolution, resolution, 3], and what they were.

    Each is the largest centred square of the image, resized by an antialiased bicubic filter;
    grey becomes three equal channels. Raises UserError naming the image that cannot be decoded.
    """
    images = np.empty((len(split), resolution, resolution, 3), np.uint8)
    summary = ImageSummary()
    with quiet():
        for index, position in enumerate(split.positions):
            image, found = decoded(split, int(position), resolution)
            images[index] = np.asarray(square(image, resolution))
            summary += found
    return images, summary


def decoded(split: Split, position: int, side: int) -> tuple[Image.Image, ImageSummary]:
    """The image at a position of a split, as `rgb` gives it, and what it was.

    Raises UserError naming the image where it cannot be decoded.
    """
    try:
        return rgb(split.read(position), side)
    except Exception as error:  # decoders raise anything for files that are damaged
        where, reason = split.where(position), shown(error) or type(error).__name__
        raise UserError(f"{where}: the image cannot be decoded: {reason}") from error


def square(image: Image.Image, side: int) -> Image.Image:
    """The image's largest centred square at `side` pixels."""
    return ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)


def _statistics(train: Labelled) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over the training images, 0 to 255."""
    if isinstance(train.pixels, Kept):
        sample = train.pixels.images
    else:
        evenly = torch.linspace(0, len(train) - 1, min(len(train), _SAMPLE)).long()
        sample = train.pixels.batch(evenly, torch.device("cpu"))
    return channel_statistics(sample)


def channel_statistics(sample: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of uint8 images, [n, side, side, 3]; [3] each."""
    values = torch.arange(256, dtype=torch.float64)
    counts = torch.stack(
        [channel.flatten().bincount(minlength=256) for channel in sample.unbind(3)]
    )
    shares = counts.double() / counts.sum(1, keepdim=True)
    mean = shares @ values
    std = ((shares @ values**2) - mean**2).clamp(min=0).sqrt()
    return mean.float(), std.clamp(min=1.0).float()
