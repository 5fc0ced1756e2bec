"""Images at the resolution that a proxy trains at: resized once, batched from memory."""

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from nas.training.sources import Source, Split, Splits
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
        return torch.from_numpy(decode(self.split.take(chosen.numpy()), self.resolution)).to(device)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Images and their classes."""

    pixels: Pixels
    labels: Tensor
    """int64, [n]."""

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Labelled":
        """The same with what is in memory on `device`."""
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
    """Of each channel of the training images, 0 to 255; [3]."""
    std: Tensor

    def to(self, device: torch.device) -> "Dataset":
        """The same on `device`, as far as it is kept in memory."""
        return Dataset(
            self.num_classes,
            self.resolution,
            self.mirror,
            self.train.to(device),
            self.val.to(device),
            self.mean.to(device),
            self.std.to(device),
        )


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
    train = _labelled(opened.train, resolution, keep)
    mean, std = _statistics(train)
    return Dataset(
        num_classes=len(opened.classes),
        resolution=resolution,
        mirror=source.mirror,
        train=train,
        val=_labelled(opened.val, resolution, keep),
        mean=mean,
        std=std,
    )


def verify(source: Source, resolution: int) -> Dataset:
    """`load`, once every image that would be read has been found whole, test images among them.

    As many test images as the search has: what else there is of a far larger set goes unread.
    """
    data = load(source, resolution)
    test, seen = splits(source).test, len(data.train) + len(data.val)
    decode(test.take(np.arange(min(len(test), seen))), 1)
    return data


def _labelled(split: Split, resolution: int, keep: bool) -> Labelled:
    pixels: Pixels = (
        Kept(torch.from_numpy(decode(split, resolution))) if keep else Decoded(split, resolution)
    )
    return Labelled(pixels, torch.from_numpy(split.labels))


def decode(split: Split, resolution: int) -> np.ndarray:
    """The split's images: uint8, [n, resolution, resolution, 3].

    Each is the largest centred square of the image, resized by an antialiased bicubic filter;
    grey becomes three equal channels. Raises UserError naming the image that cannot be decoded.
    """
    images = np.empty((len(split), resolution, resolution, 3), np.uint8)
    for index, position in enumerate(split.positions):
        try:
            images[index] = np.asarray(square(split.read(int(position)), resolution))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            where = split.where(int(position))
            raise UserError(f"{where}: the image cannot be decoded: {error}") from error
    return images


def square(image: Image.Image, side: int) -> Image.Image:
    """The image's largest centred square at `side` pixels, RGB."""
    # A JPEG far larger than asked for decodes at a half, quarter or eighth of its size.
    image.draft("RGB", (2 * side, 2 * side))
    if "exif" in image.info:
        image = ImageOps.exif_transpose(image)
    image = image.convert("RGB")
    return ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)


def _statistics(train: Labelled) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over the training images, 0 to 255."""
    if isinstance(train.pixels, Kept):
        sample = train.pixels.images
    else:
        evenly = torch.linspace(0, len(train) - 1, min(len(train), _SAMPLE)).long()
        sample = train.pixels.batch(evenly, torch.device("cpu"))
    values = torch.arange(256, dtype=torch.float64)
    counts = torch.stack(
        [channel.flatten().bincount(minlength=256) for channel in sample.unbind(3)]
    )
    shares = counts.double() / counts.sum(1, keepdim=True)
    mean = shares @ values
    std = ((shares @ values**2) - mean**2).clamp(min=0).sqrt()
    return mean.float(), std.clamp(min=1.0).float()
