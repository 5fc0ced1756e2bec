"""The logs of the sweep and of the ablation as tables: what is measured, and how it stands so far.

A log grows while its stage runs and is whole after a kill: its tables can be drawn at any moment.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.dashboard.growth_rule import GrowthRule
from nas.statistics.comparison import Comparison, compare
from nas.trainings.log import TrainingLog
from nas.trainings.record import TrainingRecord
from search_spaces.arch import Arch

Row = dict[str, Any]


@dataclass(slots=True)
class Measured:
    """One network and its trainings so far."""

    arch: Arch
    labels: Mapping[str, Any]
    """What its records say of it: constants, ratios, cost."""
    accuracies: dict[int, float] = field(default_factory=dict)
    """Accuracy by seed, of the trainings that finished."""
    trainings: int = 0
    reason: str = ""
    """Why its first failed training failed."""
    note: str = ""

    def row(self) -> Row:
        """What the tables of both stages say of the network."""
        return {
            **self.labels,
            "key": self.arch.key(),
            "trainings": self.trainings,
            "seeds": len(self.accuracies),
            "reason": self.reason,
            "note": self.note,
        }


def read_log(path: Path, keys: Collection[str] | None = None) -> list[Measured]:
    """The networks of a log, in order of their first seed; with `keys` only those.

    Raises UserError for a log that is damaged.
    """
    found: dict[str, Measured] = {}
    for record in sorted(TrainingLog(path).read(), key=lambda record: record.seed):
        if keys is None or record.key in keys:
            _add(found.setdefault(record.key, Measured(record.arch, record.labels)), record)
    return list(found.values())


def sweep_rows(measured: Iterable[Measured], band: tuple[float, float] | None) -> list[Row]:
    """A row a network, judged as the sweep judges: the best of the band wins, as far as is known.

    `band` are the cost ratios among which the winner is sought; None for any.
    """
    networks = list(measured)
    inside = {index for index, each in enumerate(networks) if _in_band(each.labels, band)}
    able = {index for index in inside if not networks[index].reason}
    found, winners = _compared(networks, able)
    rows = []
    for index, each in enumerate(networks):
        named = index in winners
        rows.append(
            {
                **each.row(),
                **_estimated(found, index),
                "candidate": index,
                "in_band": index in inside,
                "winner": named and found is not None and index == found.winner,
                "tied": named and found is not None and index in found.ties,
            }
        )
    return rows


def ablation_rows(measured: Iterable[Measured], rule: GrowthRule) -> list[Row]:
    """A row a network, with what it was grown by as built; the best of a cost are `tied`."""
    networks = list(measured)
    baseline = next((n.arch for n in networks if n.labels.get("kind") == "baseline"), None)
    rows = []
    for index, each in enumerate(networks):
        ratio = each.labels.get("target_ratio")
        rivals = {i for i, n in enumerate(networks) if n.labels.get("target_ratio") == ratio}
        found, winners = _compared(networks, {i for i in rivals if not networks[i].reason})
        best = found is not None and index in winners and index in {found.winner, *found.ties}
        grown = {} if baseline is None else rule.realised(each.arch, baseline).named()
        rows.append({**each.row(), **grown, **_estimated(found, index)})
        rows[-1]["tied"] = best
    return rows


def _add(network: Measured, record: TrainingRecord) -> None:
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


def _estimated(found: Comparison | None, index: int) -> Row:
    estimate = found.estimates.get(index) if found else None
    if estimate is None:
        return {"accuracy": None, "stderr": None}
    return {"accuracy": estimate.mean, "stderr": estimate.stderr}


def _in_band(labels: Mapping[str, Any], band: tuple[float, float] | None) -> bool:
    ratio = labels.get("realised_ratio")
    if band is None or not isinstance(ratio, int | float):
        return True
    return band[0] <= ratio <= band[1]
