"""Tables of images and labels that the `datasets` library reads, such as parquet files."""

import abc
import contextlib
import glob
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import datasets
import huggingface_hub
import numpy as np
from datasets.exceptions import DatasetsError
from huggingface_hub import constants
from numpy.typing import NDArray

from nas.data.columns import ImageColumn, Labels, classes_of, labels_of
from nas.data.names import EXPECTED, by_split, counted, shown, some, split_of, split_words
from nas.data.paths import existing, local
from nas.data.sources import Encoded, Split, Splits
from nas.defaults.conf import default
from search_spaces.errors import UserError

_ERRORS = (DatasetsError, OSError, ValueError, TypeError, NotImplementedError)
"""The errors that the library, and Arrow below it, raise for files that they cannot use. Arrow
raises NotImplementedError for valid content that it cannot read."""


@dataclass(frozen=True, kw_only=True)
class ImageRows(Encoded, abc.ABC):
    """A table whose rows are an image and a label.

    Where it has no validation or test split, images are held out of its training images; a test
    split without labels counts as none.
    """

    path: str
    image_column: str = default("data/parquet", "image_column")
    label_column: str = default("data/parquet", "label_column")

    def where(self) -> str:
        return f"data.path: {shown(self.path)}"

    @abc.abstractmethod
    def rows(self) -> Mapping[str, datasets.Dataset]:
        """The table's own splits, by name."""

    def folders(self) -> tuple[Path, ...]:
        """The folders in which image files may lie that rows name instead of holding them.

        Nothing else is read, whatever files a table from a stranger names.
        """
        return ()

    def open(self) -> Splits:
        tables, notes = self._tables(), list[str]()
        names = self._named(tables)
        if "train" not in names:
            found = some(tables, 10) or "none"
            raise UserError(f"{self.where()} has no train split; it has {found}")
        for name in tables.keys() - set(names.values()):
            notes.append(f"left out: {counted(tables[name].num_rows, 'row')} of split {name}")
        named = {split: tables[name] for split, name in names.items()}
        for table in named.values():
            self._check_column("image_column", table)
        labels, all_names = self._with_names(named, self._labels(named, notes))
        classes = classes_of(labels["train"], all_names)
        own = {
            split: self._split(named[split], classes.numbers(found, self.path, split), split)
            for split, found in labels.items()
        }
        return self.split(own, classes.names, notes)

    def _named(self, tables: Mapping[str, datasets.Dataset]) -> dict[str, str]:
        """The names of the splits that are used, by what they are used as."""
        if self.test_split is None:
            return by_split(tables, shown(self.path))
        kind = split_of(self.test_split)
        found = [
            name for name in tables if name == self.test_split or (kind and split_of(name) == kind)
        ]
        if len(found) != 1:
            raise UserError(
                f"data.test_split: {shown(self.path)} has {'two splits' if found else 'no split'} "
                f"of the name {shown(self.test_split)}; it has {some(tables, 10) or 'none'}"
            )
        others = [name for name in tables if name not in found and split_of(name) != "test"]
        return by_split(others, shown(self.path)) | {"test": found[0]}

    def _tables(self) -> Mapping[str, datasets.Dataset]:
        try:
            with _quietly():
                return self.rows()
        except UserError:
            raise
        except _ERRORS as error:
            _blame_cache(error)
            reason = f"cannot read {shown(self.path)}: {reason_of(error)}"
            raise UserError(f"data.path: {reason}") from error

    def _labels(self, named: Mapping[str, datasets.Dataset], notes: list[str]) -> dict[str, Labels]:
        found: dict[str, Labels] = {}
        for split, table in named.items():
            if split == "test" and self.label_column not in table.column_names:
                notes.append(self._none(table))
                continue
            self._check_column("label_column", table)
            column = table.data.column(self.label_column)
            where = f"data.label_column: {shown(self.label_column)} of {shown(self.path)}"
            labels = labels_of(column.to_pylist(), f"{where}, {split} split", split == "test")
            if labels is None:
                notes.append(self._none(table))
            else:
                found[split] = labels
        return found

    def _none(self, table: datasets.Dataset) -> str:
        return (
            f"the {counted(table.num_rows, 'image')} of test have no labels and count as none: "
            f"{self.test_fraction:.0%} of train are held out instead"
        )

    def _check_column(self, option: str, table: datasets.Dataset) -> None:
        column = getattr(self, option)
        if column not in table.column_names:
            raise UserError(
                f"data.{option}: {shown(self.path)} has no column {shown(column)}; "
                f"it has {some(table.column_names, 20)}"
            )

    def _with_names(
        self, named: Mapping[str, datasets.Dataset], labels: Mapping[str, Labels]
    ) -> tuple[Mapping[str, Labels], list[str] | None]:
        """The labels, and the names that all splits give to the same numbers.

        Where splits do not agree, their labels are replaced by names.
        """
        features = {split: named[split].features[self.label_column] for split in labels}
        names = {
            split: list(feature.names)
            for split, feature in features.items()
            if isinstance(feature, datasets.ClassLabel)
        }
        if len(names) == len(labels) and all(each == names["train"] for each in names.values()):
            return labels, names["train"]
        renamed = {
            split: np.array([called[number] for number in labels[split]])
            for split, called in names.items()
        }
        return {**labels, **renamed}, None

    def _split(self, table: datasets.Dataset, labels: NDArray[np.int64], split: str) -> Split:
        rows = ImageColumn(
            self._encoded(table),
            self.image_column,
            f"{shown(self.path)}, {split} row",
            self.folders(),
            self.megapixels,
        )
        return Split(labels, np.arange(table.num_rows), rows.read, rows.where, rows)

    def _encoded(self, table: datasets.Dataset) -> datasets.Dataset:
        try:
            with _quietly():
                return table.cast_column(self.image_column, datasets.Image(decode=False))
        except _ERRORS as error:
            raise UserError(
                f"data.image_column: {shown(self.image_column)} of {shown(self.path)} holds no "
                f"images: {reason_of(error)}"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Parquet(ImageRows):
    """A parquet file, or a folder of parquet files in Hugging Face's layout: train*.parquet, …

    `path` may begin with ~ and is made absolute.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", local(self.path))

    def rows(self) -> Mapping[str, datasets.Dataset]:
        path = existing(self.path)
        files = {"train": [str(path)]} if path.is_file() else _files_by_split(path)
        # Each split is read by itself, for the library wants the same columns in all that it reads
        # together, and a test split may lack labels. It takes names of files for patterns.
        return {
            split: datasets.load_dataset(
                "parquet", split="train", data_files=[glob.escape(file) for file in found]
            )
            for split, found in files.items()
        }


def _files_by_split(root: Path) -> dict[str, list[str]]:
    """The parquet files below a folder, by the split that a file or one of its folders is named
    after.

    Where none is named after a split, all are of `train`. Raises UserError where only some are, or
    where one is named after two.
    """
    found: dict[str, list[str]] = {}
    nameless: list[str] = []
    for folder, inner, names in os.walk(root):
        inner.sort()
        for name in sorted(names):
            if name.startswith((".", "_")) or not name.lower().endswith(".parquet"):
                continue
            file = os.path.join(folder, name)
            split = _split_of_file(os.path.relpath(file, root), file)
            found.setdefault(split, []).append(file) if split else nameless.append(file)
    if not found and not nameless:
        raise UserError(
            f"data.path: no parquet files in {shown(root)}; see data=imagefolder for images"
        )
    if found and nameless:
        raise UserError(
            f"data.path: {shown(nameless[0])} is named after no split, and other files in "
            f"{shown(root)} are; {EXPECTED}"
        )
    return found or {"train": nameless}


def _split_of_file(inner: str, file: str) -> str | None:
    """The split that a file is named after, or else the innermost of its folders that is named
    after one."""
    for part in reversed(Path(inner).with_suffix("").parts):
        whole = split_of(part)
        splits = {whole} if whole else split_words(part)[0]
        if len(splits) > 1:
            raise UserError(f"data.path: {shown(file)} is named after two splits; {EXPECTED}")
        if splits:
            return splits.pop()
    return None


def reason_of(error: BaseException) -> str:
    """The first line of the error that caused this one, or of this one."""
    while error.__cause__ is not None:
        error = error.__cause__
    return shown((str(error) or type(error).__name__).splitlines()[0])


def _blame_cache(error: BaseException) -> None:
    """Raises OSError where the library's cache could not be written: the data are not at fault."""
    caches = Path(datasets.config.HF_DATASETS_CACHE), Path(constants.HF_HUB_CACHE)
    for behind in _chain(error):
        if not isinstance(behind, OSError) or not isinstance(behind.filename, str):
            continue
        file = Path(behind.filename)
        if any(file.is_relative_to(cache) or cache.is_relative_to(file) for cache in caches):
            reason = f"{behind.strerror} (the `datasets` library's cache; HF_HOME=… moves it)"
            raise OSError(behind.errno, reason, str(file)) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Inside, the library shows no progress bars, warns of nothing and logs no errors: ours are one
    line each."""
    hidden, verbosity = datasets.are_progress_bars_disabled(), datasets.logging.get_verbosity()
    hub = huggingface_hub.logging.get_verbosity()
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    huggingface_hub.logging.set_verbosity(datasets.logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"datasets\b")
            yield
    finally:
        huggingface_hub.logging.set_verbosity(hub)
        datasets.logging.set_verbosity(verbosity)
        if not hidden:
            datasets.enable_progress_bars()
