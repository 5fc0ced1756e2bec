"""A run folder as data frames; whatever part of it is missing is empty, never an error."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nas.dashboard.confirmed_log import read_confirmations
from nas.dashboard.family_files import read_family
from nas.dashboard.growth_rule import GrowthRule
from nas.dashboard.logs import Measured, ablation_rows, read_log, star_rows, sweep_rows
from nas.dashboard.named import NamedNetworks, named_networks
from nas.dashboard.parts_log import Parts, read_parts
from nas.dashboard.settings import Settings, read_settings
from nas.dashboard.trained_files import Trained, read_trained
from nas.runs.folder import RunFolder
from nas.runs.study import recorded
from nas.runs.trials_csv import COLUMNS, rows
from nas.searches.standing import search_result
from nas.trainings.log import ABLATION, PARTS, SWEEP, of_epochs
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import read_bytes, read_text
from search_spaces.yaml_io import load_arch, read_about
from search_spaces.yaml_text import load_yaml

TRIAL_NUMBERS = (
    "number", "accuracy", "accuracy_stderr", "reward", "confirmed", "confirmed_stderr", "expected",
    "expected_stderr", "macs", "params", "activations", "cost", "seconds", "seeds",
)  # fmt: skip
TRIAL_FLAGS = ("front", "baseline", "tie")
TRIAL_WORDS = ("state", "compact", "key", "file", "reason", "note")
SWEEP_NUMBERS = (
    "candidate", "points", "nominal_ratio", "realised_ratio", "macs", "params", "accuracy",
    "stderr", "seeds",
)  # fmt: skip
"""Beside the constants and the multipliers of the run's rule."""
SWEEP_FLAGS = ("in_band", "tied", "winner")
SWEEP_WORDS = ("key", "compact", "reason", "note")
ABLATION_NUMBERS = ("target_ratio", "realised_ratio", "macs", "accuracy", "stderr", "seeds")
ABLATION_FLAGS = ("tied",)
ABLATION_WORDS = ("kind", "key", "reason")
TRAININGS = "trainings"
"""How many trainings of a network a log has, failed ones included; no CSV says."""


@dataclass(frozen=True, slots=True)
class RunFrames:
    """What a run folder holds, every column of the formats present, absent values NaN."""

    folder: Path
    rule: GrowthRule
    """The dimensions that its networks grow in."""
    settings: Settings
    """What it was made with."""
    baseline: Arch | None
    """`baseline.yaml`."""
    trials: pd.DataFrame
    """One row a trial, finished or failed, by number."""
    confirming: int
    """Networks of trials that have a training alone on record, failed or not."""
    sweep: pd.DataFrame
    """One row a distinct network that the sweep trained, or tried to."""
    stars: pd.DataFrame
    """One row a network that the sweep trained at another φ, by φ."""
    constants: Mapping[str, Any]
    """`constants.yaml`: the rule's constants, and how sure they are."""
    named: NamedNetworks | None
    """What a sweep by a model named; None for other sweeps, whose records say it."""
    sweep_trainings: int
    """Trainings on record of the sweep's networks, and of those beside them, of any length."""
    ablation: pd.DataFrame
    """One row a way of growing the baseline, and one the baseline; trained, with multipliers."""
    parts: Parts
    """What recipe, architecture and scaling are worth, where they were taken apart."""
    family: pd.DataFrame
    """One row a network of the family, smallest first."""
    trained: Trained
    """The networks that were trained whole."""
    holder: str | None
    """The process that writes to the folder now; None where nothing is under way."""

    @property
    def finished(self) -> pd.DataFrame:
        """The trials with an accuracy."""
        return self.trials[self.trials["accuracy"].notna() & (self.trials["state"] != "failed")]

    @property
    def failed(self) -> pd.DataFrame:
        """The trials without one."""
        return self.trials.drop(index=self.finished.index)

    @property
    def choices(self) -> list[str]:
        """The columns of `trials` that are choices of the space."""
        return [name for name in self.trials.columns if name not in _TRIAL_COLUMNS]


_MOST_BYTES = 256 * 2**20
"""The size of the largest table that is read."""
_TRIAL_COLUMNS = frozenset(COLUMNS)


def load_run(folder: Path, rule: GrowthRule) -> RunFrames:
    """The records of a run folder, which may be under way, killed or finished.

    Its networks grow by `rule`.

    Raises UserError where the folder is not there or holds no run, and for files that are not what
    their names say.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run folder")
    baseline = folder / "baseline.yaml"
    settings = read_settings(_read_mapping(folder / "config.yaml"))
    constants = _read_mapping(folder / "constants.yaml")
    named = named_networks(settings.asked.get("sweep") or {}, constants)
    trained = _read_sweep_log(folder, rule, settings, constants)
    trials, confirming = _read_trials(folder)
    frames = RunFrames(
        folder=folder,
        rule=rule,
        settings=settings,
        baseline=load_arch(str(baseline)) if baseline.exists() else None,
        trials=trials,
        confirming=confirming,
        sweep=_sweep_table(folder, rule, settings, constants, trained, named),
        stars=_star_table(rule, settings, constants, trained),
        constants=constants,
        named=named,
        sweep_trainings=sum(
            each.trainings for each in (*trained, *_read_other_lengths(folder, settings))
        ),
        ablation=_read_ablation(folder, rule, settings),
        parts=read_parts(folder / PARTS, settings.asked.get("parts", {})),
        family=read_family(folder / "family", rule),
        trained=read_trained(folder),
        holder=RunFolder(folder).holder,
    )
    parts = (frames.trials, frames.sweep, frames.ablation, frames.family, frames.trained.networks)
    if all(part.empty for part in parts) and not settings.stages and not frames.trained.curves:
        raise UserError(
            f"{folder}: no run here, expected a log (study.db, {SWEEP}, {ABLATION}), a table "
            "(trials.csv, sweep.csv, ablation_accuracy.csv), family/*.yaml or trained/"
        )
    return frames


def _read_trials(folder: Path) -> tuple[pd.DataFrame, int]:
    """From the records themselves, which a search under way or killed has too; and how many of the
    networks have a training alone on record."""
    records = recorded(folder)
    columns = TRIAL_NUMBERS, TRIAL_FLAGS, TRIAL_WORDS
    if not records:
        table = _read_table(folder / "trials.csv", *columns)
        return table, int(table["confirmed"].notna().sum())
    baseline = folder / "baseline.yaml"
    about = read_about(baseline) if baseline.exists() else {}
    named = next((record for record in records if record.number == about.get("trial")), None)
    alone = read_confirmations(folder, records, about)
    found = search_result(records, named, alone.confirmed)
    front = [] if found is None else [(r.number, f"front/{r.file_name}") for r in found.front]
    files = {number: name for number, name in front if (folder / name).exists()}
    text = _as_text(rows(records, found, files))
    if named is None:  # the search has not come to name one
        text = text.assign(baseline="", tie="")
    return _typed(text, *columns), alone.tried


def _read_table(
    path: Path, numbers: tuple[str, ...], flags: tuple[str, ...], words: tuple[str, ...]
) -> pd.DataFrame:
    # Everything is read as text first: a key of digits or an option called "none" stays what it is.
    if not path.exists():
        return _typed(pd.DataFrame(), numbers, flags, words)
    content = io.BytesIO(read_bytes(path, _MOST_BYTES))
    try:
        table = pd.read_csv(content, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a CSV table: {str(error).splitlines()[0]}") from None
    return _typed(table, numbers, flags, words)


def _typed(
    table: pd.DataFrame, numbers: tuple[str, ...], flags: tuple[str, ...], words: tuple[str, ...]
) -> pd.DataFrame:
    """The columns named, of numbers and flags, whichever of them there are, in order of rows."""
    missing = [name for name in numbers + flags + words if name not in table]
    table = table.assign(**dict.fromkeys(missing, ""))
    for name in numbers:
        table[name] = pd.to_numeric(table[name], errors="coerce")
    for name in flags:
        table[name] = table[name].astype(str).str.lower().isin(("true", "1", "1.0", "yes"))
    first = numbers[0]
    return table.sort_values(first, kind="stable", ignore_index=True)


def _read_sweep_log(
    folder: Path, rule: GrowthRule, settings: Settings, constants: Mapping[str, Any]
) -> list[Measured]:
    """The networks of the last sweep, and those that were trained beside them."""
    keys, beside = settings.networks_asked("sweep"), settings.networks_beside
    wanted = None if keys is None else keys | beside
    measured = read_log(folder / SWEEP, (*_sweep_numbers(rule), "phi"), wanted)
    phi = (settings.asked.get("sweep") or constants).get("phi")
    # A log may hold sweeps at other φ as well.
    return [
        each
        for each in measured
        if phi is None or each.labels.get("phi", phi) == phi or each.arch.key() in beside
    ]


def _read_other_lengths(folder: Path, settings: Settings) -> list[Measured]:
    """The networks that the last sweep trained for other epochs too, once for each number."""
    names = [of_epochs(epochs) for epochs in settings.epochs_asked]
    return [each for name in names for each in read_log(folder / SWEEP, (), evaluator=name)]


def _sweep_numbers(rule: GrowthRule) -> tuple[str, ...]:
    return (*SWEEP_NUMBERS, *rule.constant_names, *rule.names, TRAININGS)


def _sweep_table(
    folder: Path,
    rule: GrowthRule,
    settings: Settings,
    constants: Mapping[str, Any],
    trained: Iterable[Measured],
    named: NamedNetworks | None,
) -> pd.DataFrame:
    """From the log, or where there is none, from the table that was made of it."""
    columns = _sweep_numbers(rule), SWEEP_FLAGS, SWEEP_WORDS
    left_out = settings.networks_beside - (settings.networks_asked("sweep") or frozenset())
    swept = [each for each in trained if each.arch.key() not in left_out]
    if not swept:
        table = _read_table(folder / "sweep.csv", *columns)
        untrained = (table["seeds"] == 0) & (table["reason"] == "")
        return table[~untrained].reset_index(drop=True)
    asked = settings.asked.get("sweep") or constants
    return _known(sweep_rows(swept, cost_band(asked), baseline_macs(asked), named), *columns)


def _star_table(
    rule: GrowthRule,
    settings: Settings,
    constants: Mapping[str, Any],
    trained: Iterable[Measured],
) -> pd.DataFrame:
    """From the log alone: no table has them."""
    left_out = settings.networks_beside - (settings.networks_asked("sweep") or frozenset())
    stars = [each for each in trained if each.arch.key() in left_out and each.labels.get("phi")]
    unit = baseline_macs(settings.asked.get("sweep") or constants)
    return _known(star_rows(stars, unit), ("phi", *_sweep_numbers(rule)), (), SWEEP_WORDS)


def cost_band(asked: Mapping[str, Any]) -> tuple[float, float] | None:
    """Cost ratios, from and to, among which a sweep's winner is sought."""
    match asked.get("band"):
        case [int() | float() as low, int() | float() as high]:
            return float(low), float(high)
    return None


def baseline_macs(asked: Mapping[str, Any]) -> int | None:
    """The MACs that a sweep's cost ratios are over; None for a sweep by latency."""
    match asked.get("baseline_macs"):
        case int() as macs if macs > 0:
            return macs
    return None


def _read_ablation(folder: Path, rule: GrowthRule, settings: Settings) -> pd.DataFrame:
    """From the log, or where there is none, from the tables that were made of it."""
    numbers = (*ABLATION_NUMBERS, TRAININGS)
    measured = read_log(folder / ABLATION, numbers, settings.networks_asked("ablate"))
    if measured:
        columns = (*numbers, *rule.names), ABLATION_FLAGS, ABLATION_WORDS
        return _known(ablation_rows(measured, rule), *columns)
    ways = _read_table(folder / "ablation_accuracy.csv", numbers, ABLATION_FLAGS, ABLATION_WORDS)
    grown = _read_table(folder / "ablation.csv", ("target_ratio", *rule.names), (), ("kind",))
    grown = grown[["kind", "target_ratio", *rule.names]].drop_duplicates(["kind", "target_ratio"])
    return ways.merge(grown, how="left", on=["kind", "target_ratio"])


def _known(
    rows: Iterable[Mapping[str, Any]],
    numbers: tuple[str, ...],
    flags: tuple[str, ...],
    words: tuple[str, ...],
) -> pd.DataFrame:
    """The columns named of records, which may say more of a network than that."""
    text = _as_text(rows)
    named = [name for name in (*numbers, *flags, *words) if name in text]
    return _typed(text[named], numbers, flags, words)


def _as_text(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A table of text, as a CSV file gives it: what is missing is an empty cell."""
    table = pd.DataFrame([dict(row) for row in rows], dtype=object)
    return table.map(lambda cell: "" if cell is None or cell != cell else str(cell))


def _read_mapping(path: Path) -> Mapping[str, Any]:
    return _mapping(load_yaml(read_text(path), str(path))) if path.exists() else {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
