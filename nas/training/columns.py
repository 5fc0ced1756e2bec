"""What the columns of a table hold: labels, and images as files or bytes."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nas.training.images import open_image
from nas.training.names import counted, shown, some
from search_spaces.errors import UserError

Labels = NDArray[Any]
"""Whole numbers or names."""
_END = 16 * 1024


@dataclass(frozen=True, slots=True)
class Classes:
    """The values of training labels, and what they are called."""

    values: Labels
    names: list[str]
    known: Sequence[str] | None
    """Names of all labels by number, those that no image has among them."""

    def numbers(self, labels: Labels, path: str, split: str) -> NDArray[np.int64]:
        """From 0, in the order of `names`. Raises UserError for a label that training has not."""
        unknown = np.setdiff1d(labels, self.values)
        if len(unknown):
            names = _named(unknown, self.known)
            raise UserError(
                f"data.path: {shown(path)}: {some(names)} of the {split} split is not among the "
                f"training images' classes: {some(self.names, 5)}"
            )
        return np.searchsorted(self.values, labels).astype(np.int64)


def classes_of(labels: Labels, known: Sequence[str] | None) -> Classes:
    """The classes of training labels, by the names that the table gives numbers, if it does."""
    values = np.unique(labels)
    return Classes(values, _named(values, known), known)


def labels_of(values: Sequence[object], where: str, may_lack: bool) -> Labels | None:
    """A column as an array; None where it `may_lack` labels and has none.

    Raises UserError for what is neither whole numbers nor names, and for rows without a label:
    missing, or -1.
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


def _named(values: Labels, known: Sequence[str] | None) -> list[str]:
    if (
        known is not None
        and len(values)
        and values.dtype.kind in "iu"
        and values.max() < len(known)
    ):
        return [known[value] for value in values]
    return [str(value) for value in values]


@dataclass(frozen=True, slots=True)
class Rows:
    """A column of encoded images, by row."""

    table: Any
    column: str
    name: str
    """What comes before a row's number in an error."""
    folders: tuple[Path, ...]
    """Where files may lie that rows name instead of holding them."""
    megapixels: float

    def read(self, position: int) -> Image.Image:
        """An image, not yet decoded; raises OSError or ValueError where there is none to be had."""
        return open_image(self._file(position), self.megapixels)

    def where(self, position: int) -> str:
        """The row, and the file that it once was."""
        path = self._image(position).get("path")
        row = f"{self.name} {position}"
        return f"{row} ({shown(path)})" if path else row

    def size(self, position: int) -> int:
        """Bytes of the encoded image; 0 where there is none."""
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
