"""Sources of labelled images, and how these are split; nothing is decoded or resized here."""

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nas.data.names import shown
from nas.data.splits import Integers, hold_out, stratified_order
from nas.defaults.conf import default
from nas.statistics.metrics import METRICS, Metric
from search_spaces.errors import UserError


class Stored(Protocol):
    """Images as they are stored, before they are decoded."""

    def sizes(self, positions: Integers) -> Integers:
        """The number of bytes that each image takes; (n,)"""
        ...

    def content(self, position: int) -> bytes:
        """Bytes that tell an image from others, such as a digest of some of its own."""
        ...


@dataclass(frozen=True, slots=True)
class Split:
    """Labelled images that are decoded one at a time."""

    labels: Integers
    """The class of each image, from 0; (n,)"""
    positions: Integers
    """The position of each image, which `read`, `where` and `stored` take; (n,)"""
    read: Callable[[int], Image.Image]
    """It gives the image at a position, and raises OSError where that cannot be decoded."""
    where: Callable[[int], str]
    """It gives the name of the image at a position, for errors."""
    stored: Stored | None = None
    """The images as they are stored; None where they are not stored encoded"""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: Integers) -> "Split":
        """The images at `chosen`, in that order."""
        return replace(self, labels=self.labels[chosen], positions=self.positions[chosen])


@dataclass(frozen=True, slots=True)
class Splits:
    """Training and validation images, which a search uses, and test images, which it never sees."""

    classes: tuple[str, ...]
    train: Split
    val: Split
    test: Split
    own: Mapping[str, Split] = field(default_factory=dict)
    """The splits that the data came with, before images were held out or limited; empty where
    those are the three above"""
    notes: tuple[str, ...] = ()
    """What a user should know of the data, such as what was left out"""

    @property
    def holds_val_out(self) -> bool:
        """Whether the validation images were held out of the data's training images."""
        return bool(self.own) and "val" not in self.own


class Source(Protocol):
    """A data set as a small, hashable and picklable description; `open` gives its images.

    A class of one's own needs these fields and `open`; `data._target_` names it.
    """

    @property
    def name(self) -> str:
        """The name of the data in run folders and reports."""
        ...

    @property
    def mirror(self) -> bool:
        """Whether an image's mirror image is of the same class, as is not so for digits."""
        ...

    @property
    def memory(self) -> float:
        """GB of decoded images that are kept in memory; more are decoded batch by batch."""
        ...

    def __hash__(self) -> int: ...

    def open(self) -> Splits:
        """The splits; raises UserError for data that is not there or cannot be used."""
        ...


@dataclass(frozen=True, kw_only=True)
class Splitting:
    """The options that all sources here share."""

    name: str
    limit: int | None = default("data/imagefolder", "limit")
    """The most images that the search may use, training and validation together; all when None.
    Every class keeps its share, and a smaller limit takes a subset of a larger one's images."""
    val_fraction: float = default("data/imagefolder", "val_fraction")
    """The share of the training images that is held out for validation, where the data have no
    validation split"""
    test_fraction: float = default("data/imagefolder", "test_fraction")
    """The share of the training images that is held out for testing first, where the data have no
    test split; the search never sees these"""
    folds: int = default("data/imagefolder", "folds")
    """The number of folds of cross-validation: a training of seed k validates on fold k, so that as
    many seeds as folds validate on every image once. At 1 all validate on the images held out."""
    seed: int = default("data/imagefolder", "seed")
    """The seed of the splits; it is independent of the seeds of training."""
    mirror: bool = default("data/imagefolder", "mirror")
    """Whether a mirror image is of the same class"""
    metric: Metric = default("data/imagefolder", "metric")
    """What a trained network is judged by: the share of images that it classifies rightly, or the
    mean of that share over the classes, as some data sets' papers have it"""
    memory: float = default("data/imagefolder", "memory")
    """GB of resized images that a process keeps for one resolution, and it keeps up to four
    resolutions. More images are decoded anew for every batch."""

    def where(self) -> str:
        """The name of the data in errors."""
        return f"data {self.name}"

    def split(
        self, own: Mapping[str, Split], classes: Sequence[str], notes: Sequence[str] = ()
    ) -> Splits:
        """The splits to use, given the data's own, of which only `train` must be there.

        Raises UserError for empty splits, too few images of a class, and options out of range.
        """
        self._check_options()
        for name, part in own.items():
            if name != "train" and not len(part):
                raise UserError(f"{self.where()} has no images in its {name} split")
        train, test = own["train"], own.get("test")
        least = 2 + (test is None) if "val" not in own else 1 + (test is None)
        self._check_classes(train, classes, least)
        if test is None:
            kept, held = hold_out(train.labels, self.test_fraction, self.seed)
            train, test = train.take(kept), train.take(held)
        val = own.get("val")
        if val is None:
            train = self._limited(train, self.limit, classes, 2)
            kept, held = hold_out(train.labels, self.val_fraction, self.seed)
            train, val = train.take(kept), train.take(held)
            return Splits(tuple(classes), train, val, test, own, tuple(notes))
        if self.folds > 1:
            raise UserError("data.folds: expected 1, since the data have a validation split")
        for_val = None if self.limit is None else round(self.limit * self.val_fraction)
        for_train = None if self.limit is None or for_val is None else self.limit - for_val
        return Splits(
            tuple(classes),
            self._limited(train, for_train, classes, 1),
            self._limited(val, for_val, classes, 0),
            test,
            own,
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
        if self.metric not in METRICS:
            raise UserError(
                f"data.metric: expected accuracy or mean_per_class, got {shown(self.metric)}"
            )
        if self.folds < 1:
            raise UserError(f"data.folds: expected at least 1, got {self.folds}")
        if self.limit is not None and self.limit < 1:
            raise UserError(f"data.limit: expected at least 1 image, got {self.limit}")
        if self.seed < 0:
            raise UserError(f"data.seed: expected an integer of at least 0, got {self.seed}")

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
    """The options of sources whose images are encoded."""

    test_split: str | None = default("data/imagefolder", "test_split")
    """The data's own split that is for testing, whatever it is called; by its name when None. Some
    data sets publish the labels of their validation images alone, and are tested by them."""
    megapixels: float = default("data/imagefolder", "megapixels")
    """The most pixels, in millions, that an image may have to be decoded: a small file may claim
    any number. While an image is decoded a pixel takes 3 to 8 bytes of memory."""

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
        table = _digits()
        pixels = (table[:, :64].reshape(-1, 8, 8) * (255 / 16)).round().astype(np.uint8)
        labels = table[:, 64].astype(np.int64)
        everything = Split(
            labels,
            np.arange(len(labels)),
            lambda position: Image.fromarray(pixels[position]),
            lambda position: f"digits, image {position}",
        )
        return self.split({"train": everything}, [str(digit) for digit in range(10)])


def _digits() -> NDArray[np.float64]:
    """Pixels, from 0 to 16, and class of each digit; (1797, 64 + 1)."""
    # Not by load_digits: importing scikit-learn would take each process seconds.
    found = importlib.util.find_spec("sklearn")
    assert found is not None
    assert found.origin is not None
    return np.loadtxt(Path(found.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
