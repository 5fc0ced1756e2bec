"""Batches of transformed images, decoded in processes beside the one that trains."""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import cloudpickle
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nas.data.dataset import decoded
from nas.data.images import quiet
from nas.data.kept import KeptImages, keep
from nas.data.sources import Split
from nas.runs.signals import without_ctrl_c
from search_spaces.errors import CommandFailed, UserError

Indices = NDArray[np.int64]


class Transform(Protocol):
    """What is done to one image; a picklable object."""

    @property
    def side(self) -> int:
        """Pixels of each side of a transformed image."""
        ...

    @property
    def detail(self) -> int:
        """Half of the pixels that the shortest side of a decoded image has to have.

        A JPEG that is far larger may be decoded at a half, a quarter or an eighth of its size.
        """
        ...

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
        """The transformed image, [side, side, 3], from an 8-bit RGB image."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Images and their classes, on the CPU; in pinned memory where there is a CUDA device."""

    pixels: Tensor
    """uint8, [n, side, side, 3]"""
    labels: Tensor
    """int64, [n]"""


@dataclass(slots=True, kw_only=True)
class Loader:
    """The images of a split in batches, the same whatever the number of `workers`.

    What is drawn for image i in epoch e follows from the seed, e and i alone, and the order of the
    epoch from the seed and e: a training may go on from any step. With `workers` at 0 images are
    decoded in this process, else in so many others. Iteration raises UserError, naming the image,
    for one that cannot be decoded, and CommandFailed where a worker is lost.
    """

    split: Split
    transform: Transform
    batch_size: int
    """Images in a batch at most, over all ranks."""
    seed: int
    workers: int
    memory_gb: float = 0.0
    """GB of decoded images that are kept, as they were before the transform. Others are decoded
    anew for every batch."""
    start_method: str | None = None
    """How workers start: fork, spawn or forkserver; None is the platform's own way."""
    _kept: KeptImages | None = field(default=None, init=False)

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return batches(len(self.split), self.batch_size)

    def size(self, step: int) -> int:
        """Images of a batch of an epoch, over all ranks; the first batch is a largest one."""
        smallest, larger = divmod(len(self.split), self.steps)
        return smallest + (step < larger)

    def epoch(
        self, epoch: int, first_step: int = 0, rank: int = 0, ranks: int = 1
    ) -> Iterator[Batch]:
        """The batches of an epoch from `first_step` on, shuffled; this rank's part of each.

        Every image is in one of them, and their sizes differ by one at most. Raises UserError for
        batches with fewer images than ranks.
        """
        fewest = self.size(self.steps - 1)
        if ranks > fewest:
            raise UserError(
                f"batch_size: {fewest} images in a batch cannot be shared by {ranks} processes; "
                "expected at least one each"
            )
        images = len(self.split)
        # No image has that number: the order has a generator of its own.
        order = np.random.default_rng([self.seed, epoch, images]).permutation(images)
        whole = np.array_split(order, self.steps)
        mine = [np.array_split(batch, ranks)[rank] for batch in whole[first_step:]]
        return self._batches(mine, epoch)

    def in_order(self, rank: int = 0, ranks: int = 1) -> Iterator[Batch]:
        """Every image once over all ranks, in order; the last batch may be smaller."""
        mine = np.array_split(np.arange(len(self.split)), ranks)[rank]
        starts = range(0, len(mine), self.batch_size)
        return self._batches([mine[start : start + self.batch_size] for start in starts], 0)

    def _batches(self, chosen: Sequence[Indices], epoch: int) -> Iterator[Batch]:
        labels = torch.from_numpy(self.split.labels)
        images = _Images(self.split, self.transform, self.seed, epoch, self._keep())
        for indices, found in zip(chosen, self._loaded(images, chosen), strict=True):
            if isinstance(found, str):
                raise UserError(found)
            yield Batch(found, labels[torch.from_numpy(indices)])

    def _keep(self) -> KeptImages:
        if self._kept is None:
            self._kept = keep(self.split, self.transform.detail, self.memory_gb)
        return self._kept

    def _loaded(self, images: "_Images", chosen: Sequence[Indices]) -> Iterator[Tensor | str]:
        """The pixels of each batch, or the line that says why there are none."""
        if not self.workers:
            yield from map(images.__getitem__, chosen)
            return
        # Its workers compute with one thread each, and end when this process does. Its own
        # generator leaves torch's global one alone.
        loading = DataLoader(
            images,
            batch_size=None,
            sampler=chosen,
            num_workers=min(self.workers, max(1, len(chosen))),
            pin_memory=torch.cuda.is_available(),
            multiprocessing_context=self.start_method,
            generator=torch.Generator(),
        )
        try:
            with warnings.catch_warnings(), without_ctrl_c():
                # More workers than cores is for the user to choose.
                warnings.filterwarnings("ignore", message="This DataLoader will create")
                batches = iter(loading)
            yield from batches
        except RuntimeError as error:
            if not is_lost_worker(error):
                raise
            raise CommandFailed(
                "a process that loads images was lost, most likely for want of memory: fewer of "
                "them, or smaller batches, need less"
            ) from error


def batches(images: int, most: int) -> int:
    """How many batches, of equal sizes to within one, have `most` images each at most.

    Where that leaves one image alone in a batch, which batch normalisation knows no deviation of,
    it joins another.
    """
    return min(math.ceil(images / most), max(1, images // min(2, most)))


def is_lost_worker(error: BaseException) -> bool:
    """Whether an error says that a worker was killed or crashed.

    torch raises it from a signal's handler too: wherever the process that trains happens to be.
    """
    return isinstance(error, RuntimeError) and str(error).startswith("DataLoader worker (pid")


@dataclass(frozen=True, slots=True)
class _Images(Dataset[Tensor | str]):
    """Transformed images of one epoch, by arrays of their indices."""

    split: Split
    transform: Transform
    seed: int
    epoch: int
    kept: KeptImages

    def __getitem__(self, chosen: Indices) -> Tensor | str:
        """Pixels, uint8, [n, side, side, 3], or a line that names an image without any.

        The line is given, not raised: from another process it would arrive with a traceback.
        """
        side = self.transform.side
        pixels = np.empty((len(chosen), side, side, 3), np.uint8)
        try:
            with quiet():
                for place, index in enumerate(chosen.tolist()):
                    rng = np.random.default_rng([self.seed, self.epoch, index])
                    pixels[place] = self.transform(self._image(index), rng)
        except UserError as error:
            return str(error)
        return torch.from_numpy(pixels)

    def __reduce__(self) -> tuple[Any, ...]:
        # A source of one's own may read images by a lambda, which only cloudpickle takes along.
        # The kept images are left to torch, whose processes share them.
        own = cloudpickle.dumps((self.split, self.transform))
        return _unpickled, (own, self.seed, self.epoch, self.kept)

    def _image(self, index: int) -> Image.Image:
        if index < len(self.kept):
            return self.kept.image(index)
        position = int(self.split.positions[index])
        return decoded(self.split, position, self.transform.detail)[0]


def _unpickled(own: bytes, seed: int, epoch: int, kept: KeptImages) -> _Images:
    split, transform = cloudpickle.loads(own)
    return _Images(split, transform, seed, epoch, kept)
