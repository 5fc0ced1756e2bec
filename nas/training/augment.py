"""Augmentation and normalisation of batches of uint8 images, on the device that they lie on."""

import torch
from torch import Tensor


def augment(images: Tensor, shift: float, flip: bool, generator: torch.Generator) -> Tensor:
    """Each image moved by up to `shift` of its side and, if `flip`, mirrored with a chance of 1/2.

    Images are uint8, [n, side, side, 3]; edge pixels fill the gap. The `generator` is the CPU's, so
    that a seed gives the same images on every device.
    """
    count, side = images.shape[:2]
    reach = round(shift * side)
    offsets = torch.randint(-reach, reach + 1, (2, count, 1), generator=generator)
    rows, columns = (torch.arange(side) + offsets).clamp_(0, side - 1)
    if flip:
        mirrored = torch.rand(count, 1, generator=generator) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    rows, columns = rows.to(images.device), columns.to(images.device)
    sample = torch.arange(count, device=images.device)[:, None, None]
    return images[sample, rows[:, :, None], columns[:, None, :]]


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """float32 [n, 3, side, side] in channels_last layout from uint8 [n, side, side, 3] images."""
    side = images.shape[2]
    # Whole rows are subtracted and divided at once: a channel at a time takes twice as long.
    rows = (images.flatten(2) - mean.repeat(side)).div_(std.repeat(side))
    return rows.view(images.shape).permute(0, 3, 1, 2)
