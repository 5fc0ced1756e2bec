"""Where labelled images come from, and how they are split; nothing is decoded or resized here."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from PIL import Image

from nas.defaults.conf import default
from nas.training.names import shown
from nas.training.splits import Integers, hold_out, stratified_order
from search_spaces.errors import UserError


class Stored(Protocol):
    """Images as they are stored, before they are decoded."""

    def size(self, position: int) -> int:
        """Bytes that an image takes."""
        ...

    def content(self, position: int) -> bytes:
        """Of those, enough to tell the image from others."""
        ...


@dataclass(frozen=True, slots=True)
class Split:
    """Labelled images that are decoded one at a time."""

    labels: Integers
    """Class of each image, from 0."""
    positions: Integers
    """Where each image stands in what `read` reads."""
    read: Callable[[int], Image.Image]
    """The image at a position; raises OSError where it cannot be decoded."""
    where: Callable[[int], str]
    """What to call the image at a position in an error."""
    stored: Stored | None = None
    """The same images by position as they are stored; None where they are not."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: Integers) -> "Split":
        """The images at `chosen`, in that order."""
        return replace(self, labels=self.labels[chosen], positions=self.positions[chosen])


@dataclass(frozen=True, slots=True)
class Splits:
    """Training and validation images for the search, test images for after it."""

    classes: tuple[str, ...]
    train: Split
    val: Split
    test: Split
    own: Mapping[str, Split] = field(default_factory=dict)
    """The data's own splits, before anything was held out or limited; empty for these three."""
    notes: tuple[str, ...] = ()
    """What whoever gave the data should know: what of it was left out, say."""


class Source(Protocol):
    """A data set: a small, hashable, picklable description that `open` makes good.

    A class of one's own needs these fields and `open`; name it in `data._target_`.
    """

    @property
    def name(self) -> str:
        """What run folders and reports call the data."""
        ...

    @property
    def mirror(self) -> bool:
        """Whether an image's mirror image is of the same class (so not for digits)."""
        ...

    @property
    def memory(self) -> float:
        """GB of decoded images to keep in memory; above it they are decoded batch by batch."""
        ...

    def __hash__(self) -> int: ...

    def open(self) -> Splits:
        """The splits; raises UserError for data that is not there or cannot be used."""
        ...


@dataclass(frozen=True, kw_only=True)
class Splitting:
    """Options that all sources here share."""

    name: str
    limit: int | None = default("data/imagefolder", "limit")
    """Images the search may use, training and validation together; all when None. Stratified,
    and a smaller limit uses a subset of a larger one's images."""
    val_fraction: float = default("data/imagefolder", "val_fraction")
    """Held out of the training images for validation, where the data has no such split."""
    test_fraction: float = default("data/imagefolder", "test_fraction")
    """Held out before that, where the data has no test split. The search never sees these."""
    folds: int = default("data/imagefolder", "folds")
    """Of cross-validation: a training of seed k validates on fold k of so many, and every image is
    validated on once by as many seeds. At 1 all validate on the images held out."""
    seed: int = default("data/imagefolder", "seed")
    """Of the splits; independent of the seeds of training."""
    mirror: bool = default("data/imagefolder", "mirror")
    """Whether a mirror image is of the same class."""
    memory: float = default("data/imagefolder", "memory")
    """GB of resized images that a process keeps for one resolution; it keeps up to four of them.
    Beyond that images are decoded anew for every batch."""

    def where(self) -> str:
        """What an error is about."""
        return f"data {self.name}"

    def split(
        self, given: Mapping[str, Split], classes: Sequence[str], notes: Sequence[str] = ()
    ) -> Splits:
        """Splits from the data's own, of which only `train` must be there."""
        self._check_options()
        for name, part in given.items():
            if name != "train" and not len(part):
                raise UserError(f"{self.where()} has no images in its {name} split")
        train, test = given["train"], given.get("test")
        least = 2 + (test is None) if "val" not in given else 1 + (test is None)
        self._check_classes(train, classes, least)
        if test is None:
            kept, held = hold_out(train.labels, self.test_fraction, self.seed)
            train, test = train.take(kept), train.take(held)
        val = given.get("val")
        if val is None:
            train = self._limited(train, self.limit, classes, 2)
            kept, held = hold_out(train.labels, self.val_fraction, self.seed)
            train, val = train.take(kept), train.take(held)
            return Splits(tuple(classes), train, val, test, given, tuple(notes))
        if self.folds > 1:
            raise UserError("data.folds: expected 1, since the data have a validation split")
        for_val = None if self.limit is None else round(self.limit * self.val_fraction)
        for_train = None if self.limit is None or for_val is None else self.limit - for_val
        return Splits(
            tuple(classes),
            self._limited(train, for_train, classes, 1),
            self._limited(val, for_val, classes, 0),
            test,
            given,
            tuple(notes),
        )

    def _limited(
        self, split: Split, limit: int | None, classes: Sequence[str], least: int
    ) -> Split:
        if limit is None or limit >= len(split):
            return split
        if limit < 1:
            raise UserError(f"data.limit: {self.limit} images leave none for validation")
        taken = split.take(np.sort(stratified_order(split.labels, self.seed)[:limit]))
        counts = np.bincount(taken.labels, minlength=len(classes))
        if counts.min() < least:
            rare = shown(classes[int(counts.argmin())])
            raise UserError(
                f"data.limit: {self.limit} images leave class {rare} with {counts.min()}; expected "
                f"at least {least} of each of {len(classes)} classes"
            )
        return taken

    def _check_options(self) -> None:
        for option in ("val_fraction", "test_fraction"):
            fraction = getattr(self, option)
            if not 0 < fraction < 1:
                raise UserError(
                    f"data.{option}: expected a fraction between 0 and 1, got {fraction}"
                )
        if self.folds < 1:
            raise UserError(f"data.folds: expected at least 1, got {self.folds}")
        if self.limit is not None and self.limit < 1:
            raise UserError(f"data.limit: expected at least 1 image, got {self.limit}")

    def _check_classes(self, train: Split, classes: Sequence[str], least: int) -> None:
        if len(classes) < 2:
            found = f"one class ({shown(classes[0])})" if classes else "no class"
            raise UserError(f"{self.where()} has {found}; expected at least two")
        counts = np.bincount(train.labels, minlength=len(classes))
        if counts.min() < least:
            rare = shown(classes[int(counts.argmin())])
            raise UserError(
                f"{self.where()} has {counts.min()} images of class {rare} to train and hold out; "
                f"expected at least {least}"
            )


@dataclass(frozen=True, kw_only=True)
class Encoded(Splitting):
    """Options of sources whose images are encoded."""

    megapixels: float = default("data/imagefolder", "megapixels")
    """Millions of pixels of the largest image that is decoded; a small file may claim any number.
    A pixel takes 3 to 8 bytes of memory for a moment."""

    def _check_options(self) -> None:
        if not 0 < self.megapixels < math.inf:
            raise UserError(f"data.megapixels: expected above 0, got {self.megapixels}")
        super()._check_options()


@dataclass(frozen=True, kw_only=True)
class Digits(Splitting):
    """scikit-learn's 1,797 handwritten digits of 8×8 pixels, which come with the library."""

    name: str = default("data/digits", "name")
    val_fraction: float = default("data/digits", "val_fraction")
    mirror: bool = False

    def open(self) -> Splits:
        from sklearn.datasets import load_digits

        digits = load_digits()
        pixels = (digits.images * (255 / 16)).round().astype(np.uint8)
        labels = digits.target.astype(np.int64)
        everything = Split(
            labels,
            np.arange(len(labels)),
            lambda position: Image.fromarray(pixels[position]),
            lambda position: f"digits, image {position}",
        )
        return self.split({"train": everything}, [str(digit) for digit in range(10)])
