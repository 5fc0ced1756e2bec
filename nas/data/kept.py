"""Decoded images that are kept in memory, one after the other, for many epochs."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from nas.data.dataset import decoded
from nas.data.images import quiet
from nas.data.sources import Split

_CHUNK = 64 * 2**20
"""Bytes that are asked for at a time: many small images share them, and no budget is used up
by few"""


@dataclass(frozen=True, slots=True)
class KeptImages:
    """The first images of a split, decoded; processes share them without a copy."""

    chunks: tuple[Tensor, ...]
    """uint8; the pixels of images, one after the other"""
    places: NDArray[np.int64]
    """The chunk of each image, where it begins there, its height and its width; (n, 4)"""

    def __len__(self) -> int:
        return len(self.places)

    def image(self, index: int) -> Image.Image:
        """The image at an index below the length, 8-bit RGB."""
        chunk, start, height, width = self.places[index].tolist()
        pixels = self.chunks[chunk][start : start + height * width * 3]
        return Image.fromarray(pixels.view(height, width, 3).numpy())


def keep(split: Split, detail: int, gigabytes: float) -> KeptImages:
    """Decode images, from the first, until the next does not fit in `gigabytes`.

    Raises UserError for an image that cannot be decoded.
    """
    left, start = int(gigabytes * 1e9), 0
    chunks: list[Tensor] = []
    places: list[tuple[int, int, int, int]] = []
    with quiet():
        for position in split.positions if left else ():
            image, _ = decoded(split, int(position), detail)
            size = image.width * image.height * 3
            if not chunks or start + size > len(chunks[-1]):
                chunk = max(size, min(_CHUNK, left))
                if chunk > left:
                    break
                chunks.append(torch.empty(chunk, dtype=torch.uint8))
                left, start = left - chunk, 0
            chunks[-1][start : start + size] = torch.from_numpy(np.array(image).reshape(-1))
            places.append((len(chunks) - 1, start, image.height, image.width))
            start += size
    return KeptImages(tuple(chunks), np.array(places, np.int64).reshape(-1, 4))
