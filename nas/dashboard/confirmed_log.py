"""What is on record of networks of a search that were trained alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from nas.runs.records import Confirmed, Record
from nas.statistics.intervals import mean_error
from nas.trainings.log import CONFIRMATION, TrainingLog
from search_spaces.parsing import from_mapping


@dataclass(frozen=True, slots=True)
class Confirmations:
    """The networks that were trained alone, so far."""

    confirmed: Mapping[int, Confirmed] = field(default_factory=dict)
    """By the number of the trial"""
    tried: int = 0
    """Networks with a training on record, failed or not"""


def read_confirmations(
    folder: Path, records: Iterable[Record], about: Mapping[str, Any]
) -> Confirmations:
    """From the log, which grows while networks are trained; and what `about`, which the baseline's
    file says of how it was found, expects of them.

    Raises UserError where either is damaged.
    """
    log = folder / CONFIRMATION
    accuracies: dict[str, list[float]] = {}
    for trained in TrainingLog(log).read():
        of_network = accuracies.setdefault(trained.key, [])
        if trained.accuracy is not None:
            of_network.append(trained.accuracy)
    found = {
        record.number: Confirmed(
            accuracy=fmean(of_network), stderr=mean_error(of_network), seeds=len(of_network)
        )
        for record in records
        if (of_network := accuracies.get(record.key, []))
    }
    named = about.get("confirmed")
    for number, said in named.items() if isinstance(named, Mapping) else ():
        each = from_mapping(Confirmed, said, f"{folder / 'baseline.yaml'}: confirmed.{number}")
        # Seeds that were trained since are none of what the file speaks of.
        if number in found and found[number].seeds == each.seeds:
            found[number] = each
    return Confirmations(found, len(accuracies))
