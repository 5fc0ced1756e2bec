"""The columns of a table of images: labels, and images as files or bytes."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from nas.data.images import open_image
from nas.data.names import counted, shown, some
from nas.data.splits import Integers
from search_spaces.errors import UserError

Labels = NDArray[Any]
"""Labels as whole numbers or names; (n,)"""
_END = 16 * 1024
"""Bytes of an image's beginning, and of its end, that tell it from others of its size"""


@dataclass(frozen=True, slots=True)
class LabelClasses:
    """The classes of a table: the values of its training labels, and their names."""

    values: Labels
    names: list[str]
    all_names: Sequence[str] | None
    """Names of all labels by number, with those that no image has"""

    def numbers(self, labels: Labels, path: str, split: str) -> NDArray[np.int64]:
        """Labels as numbers from 0, in the order of `names`.

        Raises UserError for a label that no training image has.
        """
        unknown = np.setdiff1d(labels, self.values)
        if len(unknown):
            names = _named(unknown, self.all_names)
            raise UserError(
                f"data.path: {shown(path)}: {some(names)} of the {split} split is not among the "
                f"training images' classes: {some(self.names, 5)}"
            )
        return np.searchsorted(self.values, labels).astype(np.int64)


def classes_of(labels: Labels, all_names: Sequence[str] | None) -> LabelClasses:
    """The classes of training labels, under the names that the table gives to numbers, if any."""
    values = np.unique(labels)
    return LabelClasses(values, _named(values, all_names), all_names)


def labels_of(values: Sequence[object], where: str, may_lack: bool) -> Labels | None:
    """A column of labels as an array; None where it `may_lack` labels and has none.

    Raises UserError for values that are neither whole numbers nor names, and for rows without a
    label, where it is missing or -1.
    """
    if any(isinstance(value, list | dict | tuple) for value in values[:1]):
        raise UserError(
            f"{where} holds lists: several labels an image, or one-hot; expected one whole number "
            "or name each"
        )
    lacking = sum(value is None or value == -1 for value in values)
    if may_lack and lacking == len(values):
        return None
    if lacking:
        raise UserError(
            f"{where} has {counted(lacking, 'row')} of {len(values):,} without a label (missing, "
            "or -1); expected one for each"
        )
    labels = np.asarray(values)
    if labels.dtype.kind not in "biuU" or labels.ndim != 1:
        raise UserError(
            f"{where} holds {labels.dtype} values; expected whole numbers or names, none missing"
        )
    return labels


def _named(values: Labels, names: Sequence[str] | None) -> list[str]:
    if (
        names is not None
        and len(values)
        and values.dtype.kind in "iu"
        and values.max() < len(names)
    ):
        return [names[value] for value in values]
    return [str(value) for value in values]


@dataclass(frozen=True, slots=True)
class ImageColumn:
    """A column of encoded images, which are read by row."""

    table: Any
    column: str
    name: str
    """What precedes the number of a row in an error"""
    folders: tuple[Path, ...]
    """Folders in which files may lie that rows name instead of holding them"""
    megapixels: float

    def read(self, position: int) -> Image.Image:
        """The image of a row, not yet decoded. Raises OSError or ValueError where there is none."""
        return open_image(self._file(position), self.megapixels)

    def where(self, position: int) -> str:
        """The name of the row in errors, with the file that the image was made from."""
        path = self._image(position).get("path")
        row = f"{self.name} {position}"
        return f"{row} ({shown(path)})" if path else row

    def sizes(self, positions: Integers) -> Integers:
        """The number of bytes of each encoded image; 0 where there is none; (n,)"""
        # The table knows the lengths of what it holds: the rows of a large one are not all read.
        held = pc.struct_field(self.table.data.column(self.column), "bytes")
        known = pc.fill_null(pc.binary_length(held), 0).to_numpy()
        lengths: Integers = known.astype(np.int64)[positions]
        for place in np.flatnonzero(lengths == 0):
            lengths[place] = self._size(int(positions[place]))
        return lengths

    def _size(self, position: int) -> int:
        try:
            file = self._file(position)
        except OSError:
            return 0
        return file.stat().st_size if isinstance(file, Path) else file.getbuffer().nbytes

    def content(self, position: int) -> bytes:
        """A digest of the encoded image's beginning and end."""
        try:
            file = self._file(position)
        except OSError:
            return b""
        data = file.read_bytes() if isinstance(file, Path) else file.getvalue()
        return hashlib.sha256(data[:_END] + data[_END:][-_END:]).digest()

    def _image(self, position: int) -> dict[str, Any]:
        return self.table[position][self.column] or {}

    def _file(self, position: int) -> Path | io.BytesIO:
        image = self._image(position)
        if image.get("bytes"):
            return io.BytesIO(image["bytes"])
        if not image.get("path"):
            raise OSError("there is no image")
        path = Path(image["path"]).resolve()
        if not any(path.is_relative_to(folder.resolve()) for folder in self.folders):
            raise OSError("the row holds the name of a file, not its bytes, and none is opened")
        return path
