"""Images in folders of classes."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from nas.data.images import open_image
from nas.data.layout import ImagesByClass, classes_in, find_splits, inner_folders, unlabelled
from nas.data.listing import Listing
from nas.data.names import counted, shown, some, split_of, text_of
from nas.data.paths import existing, local
from nas.data.sources import Encoded, Split, Splits
from nas.data.splits import Integers
from search_spaces.errors import UserError

_END = 16 * 1024
"""Bytes of a file's beginning, and of its end, that tell it from others of its size"""


@dataclass(frozen=True, kw_only=True)
class ImageFolder(Encoded):
    """A folder with a folder of images for each class, or with folders train/, val/ and test/ that
    hold those.

    Images in deeper folders belong to the class that is directly under the split. `path` may begin
    with ~ and is made absolute.
    """

    path: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", local(self.path))

    def where(self) -> str:
        return f"data.path: {shown(self.path)}"

    def open(self) -> Splits:
        if not existing(self.path).is_dir():
            hint = "; data=parquet reads such files" if self.path.endswith(".parquet") else ""
            raise UserError(f"{self.where()} is a file; expected a folder of image folders{hint}")
        listing, notes = Listing(self.path), list[str]()
        folders = self._tested(find_splits(listing, notes), notes)
        train = classes_in(listing, folders["train"], notes)
        self._check_inner(listing, folders["train"], train)
        if "test" in folders and unlabelled(listing, folders["test"], train):
            images = len(listing.images(folders.pop("test")))
            notes.append(
                f"the {counted(images, 'image')} of test have no labels and count as none: "
                f"{self.test_fraction:.0%} of train are held out instead"
            )
        found = {"train": train} | {
            split: classes_in(listing, folder, notes)
            for split, folder in folders.items()
            if split != "train"
        }
        for split, classes in found.items():
            inner = inner_folders(listing, folders[split], classes)
            if inner and inner != [listing.inner(f"{folders[split]}/images")]:
                notes.append(f"images in folders inside a class's are of that class: {some(inner)}")
        names = sorted(train)
        own = {split: self._split(classes, names, split) for split, classes in found.items()}
        return self.split(own, [text_of(name) for name in names], [*notes, *listing.notes()])

    def _tested(self, folders: dict[str, str], notes: list[str]) -> dict[str, str]:
        """The folders of the splits, by what they are used as."""
        if self.test_split is None:
            return folders
        kind = split_of(self.test_split)
        if kind is None or kind == "train" or kind not in folders:
            raise UserError(
                f"data.test_split: {shown(self.path)} has no split of the name "
                f"{shown(self.test_split)} beside its training images; it has {some(folders)}"
            )
        if kind != "test" and "test" in folders:
            notes.append(f"left out: {shown(folders['test'])}, since data.test_split={kind}")
        others = {name: path for name, path in folders.items() if name not in (kind, "test")}
        return others | {"test": folders[kind]}

    def _split(self, classes: ImagesByClass, names: Sequence[str], split: str) -> Split:
        unknown = sorted(classes.keys() - set(names))
        if unknown:
            raise UserError(
                f"{self.where()}: {some(unknown)} of the {split} split is not among the training "
                f"images' classes: {some(names, 5)}"
            )
        paths = [path for name in sorted(classes) for path in classes[name]]
        labels = np.repeat(
            np.arange(len(names), dtype=np.int64), [len(classes.get(name, ())) for name in names]
        )
        files = Files(tuple(paths), self.megapixels)
        return Split(labels, np.arange(len(paths)), files.read, files.where, files)

    def _check_inner(self, listing: Listing, folder: str, classes: ImagesByClass) -> None:
        """Raises UserError where the only class is a folder that holds the actual classes."""
        if len(classes) != 1:
            return
        name = next(iter(classes))
        inside = listing.entries(f"{folder}/{name}").folders
        if len(inside) > 1:
            raise UserError(
                f"data.path: {shown(folder)} has one class ({shown(name)}); expected at least two, "
                f"or, if they are {some(inside)}, data.path={shown(f'{folder}/{name}')}"
            )


@dataclass(frozen=True, slots=True)
class Files:
    """Image files, which are read by position."""

    paths: tuple[str, ...]
    megapixels: float

    def read(self, position: int) -> Image.Image:
        """The image at a position, not yet decoded. Raises what `open_image` raises."""
        return open_image(Path(self.paths[position]), self.megapixels)

    def where(self, position: int) -> str:
        """The path of the image, for errors."""
        return shown(self.paths[position])

    def sizes(self, positions: Integers) -> Integers:
        """The number of bytes of each file; (n,)"""
        return np.array([os.stat(self.paths[each]).st_size for each in positions], np.int64)

    def content(self, position: int) -> bytes:
        """A digest of the file's beginning and end."""
        with open(self.paths[position], "rb") as file:
            start = file.read(_END)
            file.seek(max(len(start), os.fstat(file.fileno()).st_size - _END))
            return hashlib.sha256(start + file.read(_END)).digest()
