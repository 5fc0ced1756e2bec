"""Batches whose images and labels are mixed, and images with parts erased."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_AREAS = (0.02, 1 / 3)
"""The share of an image that is erased, at least and at most"""
_RATIOS = (0.3, 1 / 0.3)
"""Height to width of what is erased"""
_ATTEMPTS = 10
"""Rectangles that are drawn until one lies within the image"""


def mix(
    images: Tensor,
    labels: Tensor,
    classes: int,
    *,
    mixup: float,
    cutmix: float,
    smoothing: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """The images mixed with those of the reversed batch, and targets to match.

    `images` are float [n, c, h, w] and `labels` int64 [n]; the targets are float32 [n, classes]
    and include label smoothing. `mixup` (arXiv 1710.09412) and `cutmix` (arXiv 1905.04899) are the
    α of the Beta distribution that the batch's share is drawn from; 0 is off, and where both are
    on, one of the two is drawn. The `generator` is the CPU's, so that a seed mixes alike on every
    device.
    """
    targets = soft_targets(labels, classes, smoothing)
    if not (mixup or cutmix):
        return images, targets
    rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    cut = bool(cutmix) and (not mixup or rng.random() < 0.5)
    alpha = cutmix if cut else mixup
    share = rng.beta(alpha, alpha)
    if cut:
        images, share = _cut_and_pasted(images, share, rng)
    else:
        images = images.lerp(images.flip(0), 1 - share)
    return images, targets.lerp(targets.flip(0), 1 - share)


def soft_targets(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Float32 [n, classes]: 1 − smoothing for the label, and smoothing / classes for each class."""
    return F.one_hot(labels, classes).float() * (1 - smoothing) + smoothing / classes


def erase(images: Tensor, chance: float, generator: torch.Generator) -> Tensor:
    """The images, a rectangle of each filled with normal noise by a `chance` (arXiv 1708.04896).

    `images` are normalised, float [n, c, h, w]. A rectangle covers 2 % to a third of its image.
    """
    if not chance:
        return images
    rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    images = images.clone()
    for image in images:
        if rng.random() >= chance:
            continue
        rows, columns = _rectangle(image.shape[1], image.shape[2], rng)
        part = image[:, rows, columns]
        part.copy_(torch.from_numpy(rng.standard_normal(tuple(part.shape), np.float32)))
    return images


def _cut_and_pasted(images: Tensor, share: float, rng: np.random.Generator) -> tuple[Tensor, float]:
    """Images with a box of the reversed batch's, and the share of each that is left of its own.

    The box is centred anywhere and cut off at the edges, so that the share is larger than asked.
    """
    height, width = images.shape[-2:]
    side = math.sqrt(1 - share)
    rows = _span(height, round(height * side), rng)
    columns = _span(width, round(width * side), rng)
    others = images.flip(0)
    images = images.clone()
    images[..., rows, columns] = others[..., rows, columns]
    cut = (rows.stop - rows.start) * (columns.stop - columns.start)
    return images, 1 - cut / (height * width)


def _span(length: int, size: int, rng: np.random.Generator) -> slice:
    start = int(rng.integers(length)) - size // 2
    return slice(max(0, start), min(length, start + size))


def _rectangle(height: int, width: int, rng: np.random.Generator) -> tuple[slice, slice]:
    """Rows and columns of a random rectangle; none where ten do not fit."""
    low, high = map(math.log, _RATIOS)
    for _ in range(_ATTEMPTS):
        area = height * width * rng.uniform(*_AREAS)
        ratio = math.exp(rng.uniform(low, high))
        down, across = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if down < height and across < width:
            upper = int(rng.integers(height - down + 1))
            left = int(rng.integers(width - across + 1))
            return slice(upper, upper + down), slice(left, left + across)
    return slice(0), slice(0)
