"""A trial as a record: what the search knows of one evaluated architecture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from search_spaces.arch import Arch
from search_spaces.choices import Scalar
from search_spaces.errors import UserError, one_line
from search_spaces.parsing import from_mapping, to_mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One evaluated architecture: what was chosen, what it costs, how accurate it was."""

    number: int
    """Its place in the order in which trials were finished."""
    state: Literal["finished", "failed"]
    proposal: int
    """Which suggestion of the search it was; side by side, later ones may be finished earlier."""
    arch: Arch
    """What was evaluated."""
    key: str
    compact: str
    choices: Mapping[str, Scalar]
    """What the space's sampler chose; who reads a record needs the architecture alone."""
    macs: int
    params: int
    activations: int
    cost: float
    """What the reward weighs accuracy against: MACs, unless another was asked for."""
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

    @property
    def file_name(self) -> str:
        """The name of its network's file in `front/`."""
        return f"{self.macs / 1e6:.0f}M-{self.key[:6]}.yaml"


_ATTRIBUTES = (
    "proposal",
    "arch",
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
    trial = optuna.trial.create_trial(
        state=TrialState.FAIL if failed else TrialState.COMPLETE,
        values=None if failed else values,
        params=dict(record.choices),
        distributions=dict(distributions),
        user_attrs=_attributes(record),
        system_attrs=dict(system_attrs),
        # Optuna keeps intermediate values of single-objective trials alone.
        intermediate_values=dict(enumerate(curve)) if single else {},
    )
    if trial.datetime_complete is not None:
        trial.datetime_start = trial.datetime_complete - timedelta(seconds=record.seconds)
    return trial


def _attributes(record: Record) -> dict[str, Any]:
    kept = {name: getattr(record, name) for name in _ATTRIBUTES}
    noted = {"note": record.note} if record.note else {}
    return {**kept, "arch": to_mapping(record.arch), **noted}


def from_trial(trial: FrozenTrial, number: int) -> Record:
    """The record behind a trial that `to_trial` made; raises UserError for any other."""
    where = f"trial {trial.number} of the study"
    kept = trial.user_attrs
    for name in _ATTRIBUTES:
        if name not in kept:
            raise UserError(f"{where} lacks {name!r}: it was not made by this search")
    try:
        record = from_mapping(
            Record,
            {
                "number": number,
                "state": "failed" if trial.state == TrialState.FAIL else "finished",
                "choices": trial.params,
                "note": kept.get("note", ""),
                **{name: kept[name] for name in _ATTRIBUTES},
            },
        )
    except UserError as error:
        raise error.under(f"{where} is damaged: ") from None
    check_figures(record, f"{where} is damaged: ")
    if record.arch.key() != record.key:
        raise UserError(f"{where} is damaged: key: not the key of its arch")
    return replace(
        record,
        compact=one_line(record.compact),
        reason=one_line(record.reason),
        note=one_line(record.note),
    )


def check_figures(record: Record, where: str) -> None:
    """Raises UserError for figures that no record can have."""
    for each in fields(record):
        value = getattr(record, each.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{where}{each.name}: expected a finite number, got {value}")
    for name in ("number", "proposal", "macs", "params", "activations", "seconds"):
        if getattr(record, name) < 0:
            raise UserError(f"{where}{name}: expected at least 0, got {getattr(record, name)}")
    accuracies = [a for curve in record.curves for a in curve]
    if record.state == "finished":
        if record.accuracy is None or record.reward is None:
            raise UserError(f"{where}a finished trial without accuracy or reward")
        accuracies.append(record.accuracy)
    if not all(0 <= accuracy <= 1 for accuracy in accuracies):
        raise UserError(f"{where}accuracy: expected fractions from 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What trainings of its own say of a trial's network; accuracies are fractions."""

    accuracy: float
    """The mean over the seeds that it was trained alone with"""
    stderr: float | None = None
    """Standard error of that mean; None with one seed"""
    seeds: int = 1
    expected: float | None = None
    """The accuracy that all confirming trainings and the search's own values make expect of such a
    training; None while some of them are to come"""
    expected_stderr: float | None = None
    """None where nothing tells it"""
    reward: float | None = None
    """The reward of the accuracy that is expected"""
    tie: bool = False
    """Whether that reward is within the noise of the baseline's"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a search has found: its baseline, its front, and the baseline's ties."""

    baseline: Record
    luckiest: Record
    """The record of the best measured reward: the baseline, or one that a model expects to be worse
    than the baseline"""
    front: tuple[Record, ...]
    """The records on the front of accuracy and cost, cheapest first"""
    ties: tuple[Record, ...] = ()
    """Other records whose reward is within the measured noise of the baseline's"""
    confirmed: Mapping[int, Confirmed] = field(default_factory=dict)
    """By its number, what is known of each record whose network was trained alone too"""
    unconfirmed: Mapping[int, str] = field(default_factory=dict)
    """By its number, why the network of a record could not be trained alone"""
