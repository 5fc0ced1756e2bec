"""Finished trainings on disk: one JSON line each, there before it counts."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from search_spaces.errors import UserError

Job = tuple[str, int]
"""A network's key and a seed: what is trained once and never again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """One network trained with one seed."""

    key: str
    """Of the network."""
    seed: int
    state: Literal["finished", "failed"]
    accuracy: float | None = None
    """Fraction; None when failed."""
    curve: tuple[float, ...] = ()
    """Accuracy by epoch."""
    seconds: float = 0.0
    reason: str = ""
    """Why it failed."""
    note: str = ""
    """What readers of the accuracy should know of how it came about."""
    network: Mapping[str, Any] = field(default_factory=dict)
    """What was trained, for readers: multipliers, cost, compact spelling."""

    @property
    def job(self) -> Job:
        """What it settles."""
        return self.key, self.seed


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """A file of records with one writer; a writer that was killed leaves it readable."""

    path: Path

    def read(self) -> list[TrainingRecord]:
        """All finished trainings, the first record of each.

        A last line that was cut off while it was written is no record. Raises UserError for any
        other line that is none, naming it.
        """
        records: dict[Job, TrainingRecord] = {}
        for number, line in enumerate(self._whole_lines(), start=1):
            record = _parse(line, f"{self.path}: line {number}")
            records.setdefault(record.job, record)
        return list(records.values())

    def append(self, record: TrainingRecord) -> None:
        """Write the record through to the disk. Raises OSError where it cannot."""
        line = json.dumps(asdict(record), ensure_ascii=False, allow_nan=False) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def repair(self) -> None:
        """Cut off a half-written last line, so that the next record starts a line of its own."""
        whole = sum(len(line) + 1 for line in self._whole_lines())
        if self.path.exists() and self.path.stat().st_size != whole:
            with self.path.open("rb+") as file:
                file.truncate(whole)
                os.fsync(file.fileno())

    def _whole_lines(self) -> Iterable[bytes]:
        if not self.path.exists():
            return []
        return self.path.read_bytes().split(b"\n")[:-1]


def _parse(line: bytes, where: str) -> TrainingRecord:
    try:
        data = json.loads(line)
        known = {item.name: data[item.name] for item in fields(TrainingRecord) if item.name in data}
        return TrainingRecord(**{**known, "curve": tuple(data["curve"])})
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{where}: not a record of a training") from None
