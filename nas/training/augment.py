"""Batches of uint8 images made ready for a network, on the device they lie on."""

import torch
from torch import Tensor


def augment(images: Tensor, shift: float, flip: bool, generator: torch.Generator) -> Tensor:
    """Each image moved by up to `shift` of its side and, if `flip`, mirrored every other time.

    uint8 [n, side, side, 3] in and out; edge pixels are repeated into the gap. `generator` is
    the CPU's, so that a seed means the same on every device.
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
    """uint8 [n, side, side, 3] to float32 [n, 3, side, side] in channels_last layout."""
    return ((images - mean) / std).permute(0, 3, 1, 2)
