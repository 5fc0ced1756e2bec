"""A trial as a record, and the study that keeps it on disk."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from nas.samplers.base import Value
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One evaluated architecture: what was chosen, what it costs, how accurate it was."""

    number: int
    """In the order in which they were finished."""
    state: Literal["finished", "failed"]
    proposal: int
    """Which suggestion of the search it was; side by side, later ones may be finished earlier."""
    key: str
    compact: str
    choices: Mapping[str, Value]
    macs: int
    params: int
    activations: int
    cost: float
    """In the reward's unit: MACs, unless another was asked for."""
    accuracy: float | None = None
    """Fraction, mean over seeds; None when failed."""
    accuracy_stderr: float | None = None
    """Standard error of that mean; None with one seed."""
    reward: float | None = None
    seeds: int = 1
    seconds: float = 0.0
    """Wall time of the evaluation."""
    curves: tuple[tuple[float, ...], ...] = ()
    """Accuracy by epoch, for each seed."""
    reason: str = ""
    """Why it failed."""
    note: str = ""
    """What readers of the accuracy should know of how it came about."""


COLUMNS = (
    "number",
    "state",
    "accuracy",
    "accuracy_stderr",
    "reward",
    "macs",
    "params",
    "activations",
    "cost",
    "front",
    "baseline",
    "tie",
    "seconds",
    "seeds",
    "compact",
    "key",
    "file",
    "reason",
    "note",
)
_ATTRIBUTES = (
    "proposal",
    "key",
    "compact",
    "macs",
    "params",
    "activations",
    "cost",
    "accuracy",
    "accuracy_stderr",
    "reward",
    "seeds",
    "seconds",
    "curves",
    "reason",
)


Directions = tuple[Literal["maximize", "minimize"], ...]


@dataclass(slots=True)
class StudyStore:
    """Records as the finished trials of an Optuna study; nothing half-done is ever in it.

    `url` is any Optuna storage URL. One process writes. Raises UserError where the storage cannot
    be used.
    """

    url: str
    name: str
    directions: Directions
    _study: optuna.Study | None = None

    def trials(self) -> list[FrozenTrial]:
        """In the order in which they were finished. A file that is not there is not made."""
        path = self.url.removeprefix("sqlite:///")
        if path != self.url and not Path(path).exists():
            return []
        return self._open().get_trials(deepcopy=False)

    def records(self) -> list[Record]:
        """The trials' records."""
        return [from_trial(trial, number) for number, trial in enumerate(self.trials())]

    def append(self, trial: FrozenTrial) -> None:
        """Put a finished trial on disk."""
        study = self._open()
        try:
            study.add_trial(trial)
        except Exception as error:  # each database driver has errors of its own
            raise self._refused("cannot be written to", error) from None

    def _open(self) -> optuna.Study:
        if self._study is None:
            self._study = self._connect()
        found = tuple(direction.name.lower() for direction in self._study.directions)
        if found != self.directions:
            raise UserError(
                f"storage {self.url}: study {self.name!r} has objectives {found}, "
                f"this search has {self.directions}"
            )
        return self._study

    def _connect(self) -> optuna.Study:
        try:
            return optuna.create_study(
                storage=self.url,
                study_name=self.name,
                directions=list(self.directions),
                load_if_exists=True,
            )
        except Exception as error:  # each database driver has errors of its own
            raise self._refused("cannot be opened", error) from None

    def _refused(self, what: str, error: Exception) -> UserError:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return UserError(f"storage {self.url}: {what}: {reason}; the records so far are kept")


def to_trial(
    record: Record,
    values: Sequence[float] | None,
    distributions: Mapping[str, BaseDistribution],
    system_attrs: Mapping[str, Any],
) -> FrozenTrial:
    """The record as a finished trial, ready to be added to a study in one transaction."""
    failed = record.state == "failed"
    single = values is not None and len(values) == 1
    curve = record.curves[0] if record.curves else ()
    return optuna.trial.create_trial(
        state=TrialState.FAIL if failed else TrialState.COMPLETE,
        values=None if failed else values,
        params=dict(record.choices),
        distributions=dict(distributions),
        user_attrs={name: getattr(record, name) for name in _ATTRIBUTES} | _noted(record),
        system_attrs=dict(system_attrs),
        # Optuna keeps intermediate values of single-objective trials alone.
        intermediate_values=dict(enumerate(curve)) if single else {},
    )


def _noted(record: Record) -> dict[str, str]:
    return {"note": record.note} if record.note else {}


def from_trial(trial: FrozenTrial, number: int) -> Record:
    """The record behind a trial that `to_trial` made."""
    attributes = dict(trial.user_attrs)
    try:
        attributes["curves"] = tuple(tuple(curve) for curve in attributes["curves"])
        return Record(
            number=number,
            state="failed" if trial.state == TrialState.FAIL else "finished",
            choices=trial.params,
            note=attributes.get("note", ""),
            **{name: attributes[name] for name in _ATTRIBUTES},
        )
    except KeyError as error:
        raise UserError(
            f"trial {trial.number} of the study lacks {error}: it was not made by this search"
        ) from None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the records amount to."""

    baseline: Record
    luckiest: Record
    """Of the best reward as measured: the baseline, or one that is not expected to be as good."""
    front: tuple[Record, ...]
    """Cheapest first."""
    ties: tuple[Record, ...] = ()
    """Others whose accuracy at the baseline's reward is within the noise that was measured."""


def write_csv(
    path: Path, records: Iterable[Record], standing: Standing | None, files: Mapping[int, str]
) -> None:
    """trials.csv: a row a record, a column a choice at the end; `files` by record number."""
    rows = list(records)
    choices = sorted({name for record in rows for name in record.choices}, key=_natural)
    front = {record.number for record in standing.front} if standing else set()
    best = standing.baseline.number if standing else None
    ties = {record.number for record in standing.ties} if standing else set()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *choices])
        for record in rows:
            derived = {
                "front": record.number in front,
                "baseline": record.number == best,
                "tie": record.number in ties,
                "file": files.get(record.number, ""),
            }
            cells = [
                derived[name] if name in derived else getattr(record, name) for name in COLUMNS
            ]
            cells += [record.choices.get(name) for name in choices]
            writer.writerow(["" if _missing(cell) else cell for cell in cells])


def _natural(name: str) -> tuple[int, str]:
    stage = name.partition("_")[0][1:]
    return (int(stage) if stage.isdigit() else -1, name)


def _missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
