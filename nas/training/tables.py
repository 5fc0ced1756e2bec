"""Image folders, parquet files and Hugging Face data sets, all read by the `datasets` library."""

import abc
import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets.exceptions import DatasetsError
from numpy.typing import NDArray
from PIL import Image

from nas.training.sources import Split, Splits, Splitting
from search_spaces.errors import UserError

_SPLITS = {
    "train": ("train", "training"),
    "val": ("validation", "val", "valid", "dev"),
    "test": ("test",),
}
_ERRORS = (DatasetsError, OSError, ValueError, TypeError, NotImplementedError)
"""What the library, and Arrow below it, raise for files they cannot use; NotImplementedError is
Arrow's for what a file may hold and it cannot read."""


@dataclass(frozen=True, kw_only=True)
class Table(Splitting, abc.ABC):
    """Rows of an image and a label. A table without a validation or test split has them held
    out of its training images; a test split without labels counts as none."""

    path: str
    image_column: str = "image"
    label_column: str = "label"

    def where(self) -> str:
        return f"data.path: {self.path}"

    @abc.abstractmethod
    def rows(self) -> dict[str, datasets.Dataset]:
        """The table's own splits."""

    def open(self) -> Splits:
        try:
            with _quietly():
                tables = self.rows()
        except UserError:
            raise
        except _ERRORS as error:
            raise UserError(f"data.path: cannot read {self.path}: {_reason(error)}") from error
        named = {
            split: table
            for split, names in _SPLITS.items()
            for name, table in tables.items()
            if name in names
        }
        if "train" not in named:
            found = ", ".join(tables) or "none"
            raise UserError(f"data.path: {self.path} has no train split; it has {found}")
        labels = {split: self._labels(table) for split, table in named.items()}
        if "test" in labels and _unlabelled(labels["test"]):
            del named["test"], labels["test"]
        values = np.unique(labels["train"])
        classes = _class_names(named["train"].features[self.label_column], values)
        given = {
            split: Split(
                self._classes_of(labels[split], values, split),
                np.arange(table.num_rows),
                _reader(self._encoded(table), self.image_column),
                self._namer(self._encoded(table), split),
            )
            for split, table in named.items()
        }
        return self.split(given, classes)

    def _labels(self, table: datasets.Dataset) -> NDArray[Any]:
        for option in ("image_column", "label_column"):
            column = getattr(self, option)
            if column not in table.column_names:
                raise UserError(
                    f"data.{option}: {self.path} has no column {column}; "
                    f"it has {', '.join(table.column_names)}"
                )
        labels = np.asarray(table.data.column(self.label_column).to_pylist())
        if labels.dtype.kind not in "biuU":
            raise UserError(
                f"data.label_column: {self.label_column} of {self.path} holds {labels.dtype} "
                "values; expected whole numbers or names, none missing"
            )
        return labels

    def _classes_of(
        self, labels: NDArray[Any], values: NDArray[Any], split: str
    ) -> NDArray[np.int64]:
        unknown = np.setdiff1d(labels, values)
        if len(unknown):
            raise UserError(
                f"data.path: {self.path}: class {unknown[0]} of the {split} split is not among "
                "the training images' classes"
            )
        return np.searchsorted(values, labels).astype(np.int64)

    def _encoded(self, table: datasets.Dataset) -> datasets.Dataset:
        try:
            return table.cast_column(self.image_column, datasets.Image(decode=False))
        except _ERRORS as error:
            raise UserError(
                f"data.image_column: {self.image_column} of {self.path} holds no images: "
                f"{_reason(error)}"
            ) from error

    def _namer(self, table: datasets.Dataset, split: str) -> Any:
        def name(position: int) -> str:
            image = table[position][self.image_column] or {}
            file = image.get("path")
            row = f"{self.path}, {split} row {position}"
            return f"{row} ({file})" if image.get("bytes") and file else file or row

        return name


@dataclass(frozen=True, kw_only=True)
class LocalTable(Table):
    """A table on this machine; `path` may begin with ~ and is made absolute."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", str(Path(self.path).expanduser().absolute()))

    def _files(self) -> Path:
        path = Path(self.path)
        if not path.exists():
            raise UserError(f"data.path: no such file or folder: {path}")
        return path


@dataclass(frozen=True, kw_only=True)
class ImageFolder(LocalTable):
    """A folder of one folder of images a class, or of train/, val/ and test/ folders of such."""

    def rows(self) -> dict[str, datasets.Dataset]:
        root = self._files()
        if not root.is_dir():
            raise UserError(f"data.path: {root} is a file; expected a folder of image folders")
        folders = {
            split: root / name
            for split, names in _SPLITS.items()
            for name in names
            if (root / name).is_dir()
        }
        if "train" not in folders:
            folders = {"train": root}
        for folder in folders.values():
            if not any(child.is_dir() for child in folder.iterdir()):
                raise UserError(
                    f"data.path: {folder} has no folders; expected one folder of images a class"
                )
        files = {split: str(folder / "*" / "**") for split, folder in folders.items()}
        return dict(datasets.load_dataset("imagefolder", data_files=files, drop_labels=False))


@dataclass(frozen=True, kw_only=True)
class Parquet(LocalTable):
    """A parquet file, or a folder of them in Hugging Face's layout: train*.parquet, …"""

    def rows(self) -> dict[str, datasets.Dataset]:
        path = self._files()
        if path.is_file():
            return dict(datasets.load_dataset("parquet", data_files={"train": str(path)}))
        if not any(path.rglob("*.parquet")):
            raise UserError(f"data.path: no parquet files in {path}")
        return dict(datasets.load_dataset("parquet", data_dir=str(path)))


@dataclass(frozen=True, kw_only=True)
class HuggingFace(Table):
    """Any image classification data set of the Hugging Face hub by name, or a local copy's path."""

    config: str | None = None
    """Which of the data set's configurations, where it has several."""
    revision: str | None = None

    def rows(self) -> dict[str, datasets.Dataset]:
        return dict(datasets.load_dataset(self.path, self.config, revision=self.revision))


def _reader(table: datasets.Dataset, column: str) -> Any:
    def read(position: int) -> Image.Image:
        image = table[position][column]
        if not image:
            raise OSError("there is no image")
        return Image.open(io.BytesIO(image["bytes"]) if image["bytes"] else image["path"])

    return read


def _unlabelled(labels: NDArray[Any]) -> bool:
    return labels.dtype.kind == "i" and bool((labels == -1).all())


def _class_names(feature: object, values: NDArray[Any]) -> list[str]:
    if isinstance(feature, datasets.ClassLabel) and values.max() < len(feature.names):
        return [feature.names[value] for value in values]
    return [str(value) for value in values]


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error) or type(error).__name__).splitlines()[0]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the library's progress bars and logged errors: one's own say it on one line."""
    hidden, verbosity = datasets.are_progress_bars_disabled(), datasets.logging.get_verbosity()
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        if not hidden:
            datasets.enable_progress_bars()
