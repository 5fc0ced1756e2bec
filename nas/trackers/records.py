"""What the records of a run folder say, as series that a tracker is told."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.networks.trained_header import WEIGHTS, card_in
from nas.runs.folder import ASKED, RunFolder
from nas.runs.json_lines import JsonLines
from nas.runs.records import Record
from nas.runs.storage import Storage
from nas.runs.study import StudyStore
from nas.trackers.base import Fact, Point, Series
from nas.trainings.log import CONFIRMATION, PER_STAGE, SWEEP, TrainingLog
from nas.trainings.record import TrainingRecord

_LOGS = {"confirm": CONFIRMATION, "sweep": SWEEP, "per_stage": PER_STAGE}
_TRAINED = "trained"
STAGES = ("search", *_LOGS, "train")
"""The stages of a run whose records can be told."""
_FILES = {
    "search": ("baseline.yaml", "trials.csv", "dashboard.html"),
    "sweep": ("constants.yaml", "sweep.csv"),
    "per_stage": ("per_stage.yaml", "per_stage.csv"),
}
_OF_TRAINING = ("network.yaml",)


@dataclass(frozen=True, slots=True)
class RunRecords:
    """The records of a run folder, read anew each time they are asked for."""

    folder: RunFolder
    storage: Storage
    study: str | None
    """The name of the study that was asked for; the run's own when None."""
    stages: Sequence[str]

    def series(self) -> Iterator[Series]:
        """What is on record now: the whole of a stage first, then its trials or trainings.

        Raises UserError where a file is damaged.
        """
        for stage in self.stages:
            if stage == "search":
                yield from self._search()
            elif stage == "train":
                yield from self._trained()
            else:
                yield from self._logged(stage, _LOGS[stage])

    def _search(self) -> Iterator[Series]:
        store = StudyStore(self.storage, self.study or self.folder.study, None)
        try:
            records = store.records()
        finally:
            store.close()
        if records:
            yield self._whole("search", _with_best(records))
        yield from (_trial(record) for record in records)

    def _logged(self, stage: str, file: str) -> Iterator[Series]:
        records = TrainingLog(self.folder.path / file).read()
        if records:
            points = (Point(step, _training(each)) for step, each in enumerate(records))
            yield self._whole(stage, points)
        yield from (_one_training(stage, step, each) for step, each in enumerate(records))

    def _trained(self) -> Iterator[Series]:
        for place in sorted((self.folder.path / _TRAINED).glob("*")):
            rows = JsonLines(place / "log.jsonl", "an epoch").read(dict)
            weights = place / WEIGHTS
            if rows:
                made_with = self.folder.made_with(f"training of {place.name}")
                yield Series(
                    name=f"train/{place.name}",
                    settings=dict(_flat(made_with)),
                    points=[Point(int(row["epoch"]), _numbers(row)) for row in rows],
                    notes=_of_weights(weights) if weights.exists() else {},
                    files=self._there(_OF_TRAINING, place),
                    over=weights.exists(),
                )

    def _whole(self, stage: str, points: Iterable[Point]) -> Series:
        return Series(
            name=stage,
            settings=dict(_flat(self.folder.made_with(stage))),
            points=list(points),
            files=self._there(_FILES.get(stage, ()), self.folder.path),
        )

    def _there(self, names: Iterable[str], place: Path) -> list[Path]:
        return [place / name for name in names if (place / name).is_file()]


def _with_best(records: Sequence[Record]) -> Iterator[Point]:
    best = -math.inf
    for record in records:
        values = _of_record(record)
        best = max(best, values.get("reward", -math.inf))
        yield Point(record.number, {**values, **_finite({"best_reward": best})})


def _of_record(record: Record) -> dict[str, float]:
    names = ("accuracy", "accuracy_stderr", "reward", "cost", "macs", "params", "seconds")
    failed = {"failed": 1.0} if record.state == "failed" else {}
    return _finite({name: getattr(record, name) for name in names}) | failed


def _trial(record: Record) -> Series:
    """A trial with its accuracy by epoch, of the seeds' mean, and what came of it at the end."""
    curve = [math.fsum(each) / len(each) for each in zip(*record.curves, strict=False)]
    return Series(
        name=f"search/trial_{record.number:04}",
        settings={
            **dict(_flat(record.choices)),
            "compact": record.compact,
            "key": record.key,
            "seeds": record.seeds,
        },
        points=_ending(curve, _of_record(record)),
        notes=_said(record.state, record.reason, record.note),
        over=True,
    )


def _training(record: TrainingRecord) -> dict[str, float]:
    told = {**record.labels, "accuracy": record.accuracy, "seconds": record.seconds}
    return _finite(told) | ({"failed": 1.0} if record.state == "failed" else {})


def _one_training(stage: str, number: int, record: TrainingRecord) -> Series:
    named = {"evaluator": record.evaluator} if record.evaluator else {}
    return Series(
        name=f"{stage}/training_{number:04}",
        settings={**dict(_flat(record.labels)), "key": record.key, "seed": record.seed, **named},
        points=_ending(record.curve, _training(record)),
        notes=_said(record.state, record.reason, record.note),
        over=True,
    )


def _ending(curve: Sequence[float], end: Mapping[str, float]) -> list[Point]:
    """The accuracy after each epoch, from 1; with the last of them, what came of it all."""
    points = [Point(epoch, {"epoch_accuracy": each}) for epoch, each in enumerate(curve, start=1)]
    last = points.pop() if points else Point(0, {})
    return [*points, Point(last.step, {**last.values, **end})]


def _said(state: str, reason: str, note: str) -> dict[str, Fact]:
    told = {"state": state, "reason": reason, "note": note}
    return {name: text for name, text in told.items() if text}


def _of_weights(weights: Path) -> dict[str, Fact]:
    """Where the weights lie, and what their card says of their accuracy."""
    card = card_in(weights)
    metric, test = card.get("metric", "accuracy"), card.get("test")
    found = test.get(metric) if isinstance(test, Mapping) else None
    value = found.get("value") if isinstance(found, Mapping) else None
    told = {"minival": card.get("minival"), "test": value, "best_epoch": card.get("best_epoch")}
    return {"weights": str(weights.resolve()), **_finite(told)}


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    return _finite({name: value for name, value in row.items() if name != "epoch"})


def _finite(values: Mapping[str, Any]) -> dict[str, float]:
    """The values that are finite numbers."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def _flat(node: Any, path: str = "") -> Iterator[tuple[str, Fact]]:
    """Settings by their dotted names; how much was asked for is left out, for it may grow."""
    if isinstance(node, Mapping):
        inner = ((f"{path}.{name}".lstrip("."), value) for name, value in node.items())
        kept = (each for each in inner if each[0] != ASKED)
        yield from itertools.chain.from_iterable(_flat(value, name) for name, value in kept)
    elif isinstance(node, str | int | float | bool):
        yield path, node
    elif node is not None:
        yield path, str(node)
