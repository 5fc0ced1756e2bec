"""Images that one process decoded, for others to train on."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data.dataset import Dataset, Kept, Labelled


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SharedImages:
    """A data set kept in memory, as arrays that processes can map without a copy."""

    num_classes: int
    resolution: int
    mirror: bool
    train: tuple[NDArray[np.uint8], NDArray[np.int64]]
    """Images, [n, side, side, 3], and their labels."""
    val: tuple[NDArray[np.uint8], NDArray[np.int64]]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def of(cls, data: Dataset) -> "SharedImages":
        """The images of a data set that is kept in memory."""
        return cls(
            num_classes=data.num_classes,
            resolution=data.resolution,
            mirror=data.mirror,
            train=_arrays(data.train),
            val=_arrays(data.val),
            mean=data.mean.numpy(),
            std=data.std.numpy(),
        )

    def dataset(self) -> Dataset:
        """Give the data set, on the same memory."""
        return Dataset(
            self.num_classes,
            self.resolution,
            self.mirror,
            Labelled(Kept(_tensor(self.train[0])), _tensor(self.train[1])),
            Labelled(Kept(_tensor(self.val[0])), _tensor(self.val[1])),
            _tensor(self.mean),
            _tensor(self.std),
        )


def _arrays(images: Labelled) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if not isinstance(images.pixels, Kept):
        raise TypeError("images that are decoded batch by batch cannot be shared")
    return images.pixels.images.numpy(), images.labels.numpy()


def _tensor(array: NDArray[np.generic]) -> Tensor:
    with warnings.catch_warnings():
        # Shared memory is read-only, and nothing here writes to its data.
        warnings.filterwarnings("ignore", message=".*not writable")
        return torch.from_numpy(array)
