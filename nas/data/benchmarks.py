"""Tables of known accuracies that others published: where they are, and what is kept of them."""

import csv
import hashlib
import io
import json
import statistics
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.data.download import downloaded
from search_spaces.errors import CommandFailed, UserError
from search_spaces.files import read_bytes, written

_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class Benchmark(ABC):
    """A published table that is downloaded, checked, and kept as a file."""

    url: str
    """Where it is."""
    commit: str
    """The commit that the URL names, so that what it gives does not change."""
    sha256: str
    """The digest of what the URL gives, in hexadecimal."""
    size: int
    """How many bytes the URL gives."""
    file: str
    """The name of the file that is kept."""
    kept_sha256: str
    """The digest of that file."""

    def __post_init__(self) -> None:
        if Path(self.file).name != self.file or self.file.startswith("."):
            raise UserError(f"file: expected the name of a file, got {self.file!r}")
        if not 0 < self.size <= _MOST_BYTES:
            raise UserError(f"size: expected 1 to {_MOST_BYTES:,} bytes, got {self.size:,}")

    @abstractmethod
    def content(self, data: bytes) -> bytes:
        """What is kept of the bytes that the URL gave. Raises ValueError for anything else."""

    def fetch(self, folder: Path) -> Path:
        """The file in `folder`, which is made where it is missing; downloaded if it is not there.

        Raises UserError where another file of that name is there, and CommandFailed where the
        server does not answer or gives something else; then nothing is written.
        """
        path = folder / self.file
        if path.exists():
            if _digest(read_bytes(path, _MOST_BYTES)) == self.kept_sha256:
                return path
            raise UserError(f"{path}: is another file; remove it, or give another folder by out=")
        content = self._checked(downloaded(self.url, self.size, self.sha256))
        folder.mkdir(parents=True, exist_ok=True)
        with written(path) as file:
            file.write(content)
        return path

    def _checked(self, data: bytes) -> bytes:
        """What is kept of the data, if that is what was expected."""
        reason: object = "the table made of it is another one"
        try:
            content = self.content(data)
        except (ValueError, LookupError, TypeError, tarfile.TarError, OSError, EOFError) as error:
            reason = error
        else:
            if _digest(content) == self.kept_sha256:
                return content
        raise CommandFailed(f"{self.url}: not what was expected: {reason}; nothing was written")


@dataclass(frozen=True, kw_only=True)
class Table(Benchmark):
    """A table that is kept as it was published."""

    def content(self, data: bytes) -> bytes:
        """Give the bytes as they are."""
        return data


@dataclass(frozen=True, kw_only=True)
class AccelNasBench(Benchmark):
    """Accel-NASBench's archive, a file of JSON for each training, as one table.

    The table's columns are the choices of `space=accel_nasbench`, `accuracy`, a fraction, averaged
    over the trainings of a network, `accuracy_std` where there are several, and `runs`.
    """

    def content(self, data: bytes) -> bytes:
        """Give the table as CSV, in the order of the archive."""
        trainings: dict[tuple[int, ...], list[float]] = {}
        for entry in _json_files(data):
            choices = entry["architecture"]
            row = tuple(int(choices[f"block{stage}_{name}"]) for stage, name in _places())
            trainings.setdefault(row, []).append(entry["metrics"]["val_top1"] / 100)
        if not trainings:
            raise ValueError("no network in it")
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        columns = [f"s{stage}_{_COLUMNS[name]}" for stage, name in _places()]
        writer.writerow([*columns, "accuracy", "accuracy_std", "runs"])
        for row, found in trainings.items():
            spread = round(statistics.stdev(found), 9) if len(found) > 1 else ""
            writer.writerow([*row, round(statistics.fmean(found), 9), spread, len(found)])
        return text.getvalue().encode()


_STAGES = 7
_COLUMNS = {"e": "expand", "k": "kernel", "l": "repeats", "se": "se"}
_MOST_UNPACKED = 256 * 2**20


def _places() -> Iterator[tuple[int, str]]:
    return ((stage, name) for stage in range(_STAGES) for name in _COLUMNS)


def _json_files(data: bytes) -> Iterator[Any]:
    """The JSON files of a compressed archive, read as data; nothing is unpacked to the disk."""
    unpacked = 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for member in archive:
            unpacked += member.size
            if unpacked > _MOST_UNPACKED:
                raise ValueError(f"it unpacks to over {_MOST_UNPACKED:,} bytes")
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield json.load(file)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
