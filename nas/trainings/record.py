"""The record of a training: which architecture, with which seed, and what came of it."""

import math
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Self

from nas.evaluators.base import AT_CHANCE
from nas.executors.base import Outcome
from nas.statistics.intervals import mean_error
from search_spaces.arch import Arch
from search_spaces.errors import UserError, one_line, shown
from search_spaces.parsing import from_mapping, to_mapping

TrainingId = tuple[str, str, int]
"""An evaluator's name, a network's key and a seed: what is trained once and never again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """What an outcome says of its architecture: an accuracy over all seeds, or why there is none.

    Every record of an evaluation, a search's trial included, is made from it.
    """

    state: Literal["finished", "failed"]
    accuracy: float | None
    """Fraction, mean over seeds; None when failed."""
    accuracy_stderr: float | None
    """Standard error of that mean; None for a single seed."""
    curves: tuple[tuple[float, ...], ...]
    """Accuracy by epoch, for each seed that has epochs."""
    seconds: float
    processor_seconds: float
    reason: str
    note: str

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """The result that an outcome gives. Raises UserError where that is a user's mistake."""
        if outcome.mistake:
            raise UserError(outcome.mistake)
        accuracies = [measurement.accuracy for measurement in outcome.measurements]
        failed = bool(outcome.reason)
        notes = dict.fromkeys(m.note for m in outcome.measurements if m.note)
        return cls(
            state="failed" if failed else "finished",
            accuracy=None if failed else statistics.fmean(accuracies),
            accuracy_stderr=None if failed else mean_error(accuracies),
            curves=tuple(m.curve for m in outcome.measurements if m.curve),
            seconds=round(outcome.seconds, 3),
            processor_seconds=round(outcome.processor_seconds, 3),
            reason=outcome.reason,
            note="; ".join(notes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """One architecture trained once with one seed."""

    arch: Arch
    seed: int
    state: Literal["finished", "failed"]
    accuracy: float | None = None
    """Fraction; None when failed."""
    curve: tuple[float, ...] = ()
    """Accuracy by epoch."""
    seconds: float = 0.0
    """Wall time of the training."""
    processor_seconds: float = 0.0
    """Processor time of the training, whatever else the machine did meanwhile; 0 when failed."""
    reason: str = ""
    """Why it failed."""
    note: str = ""
    """What readers of the accuracy should know of how it came about."""
    evaluator: str = ""
    """What its evaluator is called, in a log that holds trainings by several: a proxy's name."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """Further facts for readers, numbers or text: multipliers, cost, the compact spelling."""

    @property
    def key(self) -> str:
        """The key of the architecture."""
        return self.arch.key()

    @property
    def at_chance(self) -> bool:
        """Whether its note says that the accuracy cannot be told from chance."""
        return AT_CHANCE in self.note.split("; ")

    @property
    def id(self) -> TrainingId:
        """The training that this record settles."""
        return self.evaluator, self.key, self.seed

    @classmethod
    def of(
        cls,
        arch: Arch,
        seed: int,
        outcome: Outcome,
        *,
        evaluator: str = "",
        labels: Mapping[str, Any] | None = None,
    ) -> Self:
        """The record of an outcome of one seed. Raises UserError as `EvaluationResult.of` does."""
        result = EvaluationResult.of(outcome)
        return cls(
            arch=arch,
            seed=seed,
            state=result.state,
            accuracy=result.accuracy,
            curve=result.curves[0] if result.curves else (),
            seconds=result.seconds,
            processor_seconds=result.processor_seconds,
            reason=result.reason,
            note=result.note,
            evaluator=evaluator,
            labels=dict(labels or {}),
        )

    def as_mapping(self) -> dict[str, Any]:
        """The record as plain data: every field, the architecture as its YAML's mapping."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"key": self.key, **values, "arch": to_mapping(self.arch)}


def read_record(data: object) -> TrainingRecord:
    """The record that `as_mapping` gave.

    Raises UserError for what is none: an unknown or missing field, an architecture that cannot be
    built or is not the key's, figures that no training has, labels that are no plain facts.
    """
    if not isinstance(data, Mapping):
        raise UserError("expected a mapping of a training's fields")
    record = from_mapping(
        TrainingRecord, {name: value for name, value in data.items() if name != "key"}
    )
    if data.get("key") != record.key:
        raise UserError("key: not the key of its arch")
    if (record.state == "finished") != (record.accuracy is not None):
        raise UserError("accuracy: expected one of a finished training, and of no other")
    accuracies = [a for a in (record.accuracy, *record.curve) if a is not None]
    if not all(0 <= accuracy <= 1 for accuracy in accuracies):
        raise UserError("accuracy, curve: expected fractions from 0 to 1")
    for name in ("seconds", "processor_seconds"):
        if not 0 <= getattr(record, name) < math.inf:
            raise UserError(f"{name}: expected a number of at least 0")
    for name, value in record.labels.items():
        if not _is_label(value):
            raise UserError(
                f"labels: {shown(name)}: expected a finite number or text, got {shown(value)}"
            )
    return replace(record, reason=one_line(record.reason), note=one_line(record.note))


def _is_label(value: object) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) <= sys.float_info.max  # which not a number is not either
    return isinstance(value, str)
