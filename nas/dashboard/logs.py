"""The logs of the sweep and of the ablation as tables: what is measured, and how it stands so far.

A log grows while its stage runs and is whole after a kill: its tables can be drawn at any moment.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.dashboard.growth_rule import GrowthRule
from nas.dashboard.named import NamedNetworks
from nas.networks.cost import cost
from nas.statistics.comparison import Comparison, compare
from nas.trainings.log import TrainingLog
from nas.trainings.record import TrainingRecord
from search_spaces.arch import Arch
from search_spaces.compact import spell_arch
from search_spaces.errors import UserError, shown

Row = dict[str, Any]


@dataclass(slots=True)
class Measured:
    """One network and its trainings so far."""

    arch: Arch
    labels: Mapping[str, Any]
    """What its records say of it: constants, ratios."""
    accuracies: dict[int, float] = field(default_factory=dict)
    """Accuracy by seed, of the trainings that finished."""
    trainings: int = 0
    reason: str = ""
    """Why its first failed training failed."""
    note: str = ""

    def ratio(self, unit: int | None) -> float | None:
        """MACs over `unit`, its baseline's; without it, the ratio that its records say."""
        if unit is None:
            return self.labels.get("realised_ratio")
        return round(cost(self.arch).macs / unit, 6)

    def row(self, unit: int | None) -> Row:
        """What the tables of both stages say of the network; `unit` as for `ratio`.

        What its architecture says is never taken from labels.
        """
        price = cost(self.arch)
        return {
            **self.labels,
            "key": self.arch.key(),
            "compact": spell_arch(self.arch),
            "macs": price.macs,
            "params": price.params,
            "realised_ratio": self.ratio(unit),
            "trainings": self.trainings,
            "seeds": len(self.accuracies),
            "reason": self.reason,
            "note": self.note,
        }


def read_log(
    path: Path,
    numbers: Collection[str],
    keys: Collection[str] | None = None,
    evaluator: str = "",
) -> list[Measured]:
    """The networks of a log, in order of their first seed; with `keys` only those.

    Only trainings by the evaluator of that name count, or by the stage's own. Raises UserError for
    a log that is damaged, and where a label named in `numbers` is text.
    """
    found: dict[str, Measured] = {}
    for record in sorted(TrainingLog(path).read(), key=lambda record: record.seed):
        if record.evaluator == evaluator and (keys is None or record.key in keys):
            _check_numbers(path, record, numbers)
            add(found.setdefault(record.key, Measured(record.arch, record.labels)), record)
    return list(found.values())


def sweep_rows(
    measured: Iterable[Measured],
    band: tuple[float, float] | None,
    unit: int | None = None,
    judged: NamedNetworks | None = None,
) -> list[Row]:
    """A row a network, judged as the sweep judges: the best of the band wins, as far as is known.

    `band` are the cost ratios among which the winner is sought; None for any. `unit` are the MACs
    of the baseline; None where they are not known, or the sweep's costs are no MACs. Winner and
    ties are those that `judged` names, by a model that these trainings alone do not give.
    """
    networks = list(measured)
    inside = {index for index, each in enumerate(networks) if _in_band(each.ratio(unit), band)}
    able = {index for index in inside if not networks[index].reason}
    found, winners = _compared(networks, able)
    best, ties = _best(found, winners)
    if judged is not None:
        keys = [each.arch.key() for each in networks]
        best = {index for index, key in enumerate(keys) if key == judged.winner}
        ties = {index for index, key in enumerate(keys) if key in judged.ties}
    return [
        {
            **each.row(unit),
            **_estimated(found, index),
            "candidate": index,
            "in_band": index in inside,
            "winner": index in best,
            "tied": index in ties,
        }
        for index, each in enumerate(networks)
    ]


def star_rows(measured: Iterable[Measured], unit: int | None = None) -> list[Row]:
    """A row a network at another φ, which tells of the direction and cannot win; `unit` as for
    `sweep_rows`."""
    networks = list(measured)
    found, _ = _compared(networks, ())
    return [{**each.row(unit), **_estimated(found, i)} for i, each in enumerate(networks)]


def ablation_rows(measured: Iterable[Measured], rule: GrowthRule) -> list[Row]:
    """A row a network, with what it was grown by as built; the best of a cost are `tied`."""
    networks = list(measured)
    # Every network is labelled with its baseline's key, the baseline itself too.
    baseline = next((n.arch for n in networks if n.labels.get("baseline") == n.arch.key()), None)
    unit = None if baseline is None else cost(baseline).macs
    rows = []
    for index, each in enumerate(networks):
        ratio = each.labels.get("target_ratio")
        rivals = {i for i, n in enumerate(networks) if n.labels.get("target_ratio") == ratio}
        found, winners = _compared(networks, {i for i in rivals if not networks[i].reason})
        best = found is not None and index in winners and index in {found.winner, *found.ties}
        grown = {} if baseline is None else rule.realised(each.arch, baseline).named()
        rows.append({**each.row(unit), **grown, **_estimated(found, index)})
        rows[-1]["tied"] = best
    return rows


def _check_numbers(path: Path, record: TrainingRecord, numbers: Collection[str]) -> None:
    for name in numbers:
        value = record.labels.get(name, 0)
        if isinstance(value, str):
            raise UserError(
                f"{path}: {record.key}, seed {record.seed}: labels: {name}: expected a number, "
                f"got {shown(value)}"
            )


def add(network: Measured, record: TrainingRecord) -> None:
    """Count a training of a network."""
    network.trainings += 1
    if record.accuracy is not None:
        network.accuracies[record.seed] = record.accuracy
    elif not network.reason:
        network.reason = f"seed {record.seed}: {record.reason}"
    if record.note:
        noted = f"seed {record.seed}: {record.note}"
        network.note = f"{network.note}; {noted}" if network.note else noted


def _compared(
    networks: list[Measured], able: Collection[int]
) -> tuple[Comparison | None, Collection[int]]:
    """Estimates of all, and who of them may win; without any that may, they are still compared."""
    accuracies = {i: each.accuracies for i, each in enumerate(networks) if each.accuracies}
    winners = [index for index in able if index in accuracies]
    if not accuracies:
        return None, ()
    return compare(accuracies, winners or list(accuracies)), winners


def _best(
    found: Comparison | None, winners: Collection[int]
) -> tuple[Collection[int], Collection[int]]:
    """The winner and its ties, of those who may win."""
    if found is None or not winners:
        return (), ()
    return {found.winner}, found.ties & set(winners)


def _estimated(found: Comparison | None, index: int) -> Row:
    estimate = found.estimates.get(index) if found else None
    if estimate is None:
        return {"accuracy": None, "stderr": None}
    return {"accuracy": estimate.mean, "stderr": estimate.stderr}


def _in_band(ratio: float | None, band: tuple[float, float] | None) -> bool:
    return band is None or ratio is None or band[0] <= ratio <= band[1]
