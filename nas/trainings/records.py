"""Finished trainings on disk: one JSON line each, there before it counts."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from nas.runs.json_lines import JsonLines
from search_spaces.errors import UserError
from search_spaces.parsing import from_mapping

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
    """A file of records with one writer."""

    path: Path

    def read(self) -> list[TrainingRecord]:
        """All finished trainings, the first record of each. Raises UserError as JsonLines does."""
        records: dict[Job, TrainingRecord] = {}
        for record in self._lines.read(_parse):
            records.setdefault(record.job, record)
        return list(records.values())

    def append(self, record: TrainingRecord) -> None:
        """Write the record through to the disk. Raises OSError where it cannot."""
        self._lines.append(asdict(record))

    def repair(self) -> None:
        """Make ready for the next record, where the last was cut off."""
        self._lines.repair()

    @property
    def _lines(self) -> JsonLines:
        return JsonLines(self.path, "a training")


def _parse(data: Mapping[str, Any]) -> TrainingRecord:
    known = {item.name: data[item.name] for item in fields(TrainingRecord) if item.name in data}
    record = from_mapping(TrainingRecord, known)
    if (record.state == "finished") != (record.accuracy is not None):
        raise UserError("accuracy: expected one of a finished training, and of no other")
    accuracies = [a for a in (record.accuracy, *record.curve) if a is not None]
    if not all(0 <= a <= 1 for a in accuracies) or not 0 <= record.seconds < math.inf:
        raise UserError("expected fractions from 0 to 1, and seconds")
    return record
