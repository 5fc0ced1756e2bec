"""What the thread between records and tracker promises, whatever the tracker does."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nas.runs.folder import RunFolder
from nas.runs.storage import storage
from nas.trackers.base import Point, Series, TrackedRun
from nas.trackers.follower import Follower
from nas.trackers.records import RunRecords
from nas.trainings.log import TrainingLog
from run_folder import write_sweep_log
from toy import wait_until


@dataclass
class Memory:
    """A tracker that remembers, also from one call to the next; it fails at a step if asked."""

    fails_at: int = -1
    slow: float = 0.0
    told: dict[str, list[int]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    closed: bool = False

    def check(self) -> None:
        """Nothing is needed."""

    def open(self, run: TrackedRun) -> "Memory":
        return self

    def begin(self, series: Series) -> int:
        return max(self.told.setdefault(series.name, []), default=-1)

    def tell(self, series: Series, points: Sequence[Point]) -> None:
        time.sleep(self.slow)
        for point in points:
            if point.step == self.fails_at:
                raise ConnectionError("server gone: postgresql://me:secret@host/x\nsecond line")
            self.told[series.name].append(point.step)

    def end(self, series: Series) -> None:
        self.ended.append(series.name)

    def close(self) -> None:
        self.closed = True


def points(count: int) -> list[Series]:
    return [Series(name="search", points=[Point(i, {"accuracy": 0.5}) for i in range(count)])]


def follow(tracker: Memory, series: list[Series], patience: float = 30) -> list[str]:
    """What is said by a follower that looks once, at the end."""
    said: list[str] = []
    run = TrackedRun(Path("r"), "r-1")
    follower = Follower(tracker, lambda: run, lambda: series, said.append)
    follower.start()
    follower.finish(patience)
    return said


def test_a_later_call_tells_what_an_earlier_one_did_not() -> None:
    tracker = Memory()
    follow(tracker, points(3))
    follow(tracker, points(5))
    assert tracker.told == {"search": [0, 1, 2, 3, 4]}
    assert tracker.closed


def test_a_failure_is_one_line_without_passwords_and_the_rest_comes_later() -> None:
    tracker = Memory(fails_at=2)
    (said,) = follow(tracker, points(4))
    assert "\n" not in said
    assert "ConnectionError: server gone" in said
    assert "secret" not in said
    tracker.fails_at = -1
    assert follow(tracker, points(4)) == []
    assert tracker.told == {"search": [0, 1, 2, 3]}


def test_a_tracker_that_hangs_is_not_waited_for_without_end() -> None:
    (said,) = follow(Memory(slow=20), points(1), patience=0.2)
    assert said.startswith("tracker: not everything was told in 0 s")


def test_a_call_that_ends_by_a_mistake_at_once_tells_nothing() -> None:
    tracker = Memory()
    run = TrackedRun(Path("r"), "r-1")
    follower = Follower(tracker, lambda: run, lambda: points(2), lambda line: None)
    follower.start()
    follower.drop()
    assert tracker.told == {}


def test_records_are_told_while_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.trackers.follower.SECONDS", 0.01)
    tracker, series = Memory(), points(1)
    run = TrackedRun(Path("r"), "r-1")
    follower = Follower(tracker, lambda: run, lambda: series, lambda line: None)
    follower.start()
    wait_until(lambda: tracker.told.get("search") == [0])
    series[:] = points(2)
    wait_until(lambda: tracker.told.get("search") == [0, 1])
    follower.finish()


def test_each_training_of_a_sweep_is_told_with_its_constants(tmp_path: Path) -> None:
    write_sweep_log(tmp_path, 3, seeds=2)
    records = TrainingLog(tmp_path / "sweep.jsonl").read()
    asked = RunRecords(RunFolder(tmp_path), storage(None, tmp_path), None, ("sweep",))
    whole, *trainings = asked.series()
    assert whole.name == "sweep"
    assert [point.values["accuracy"] for point in whole.points] == [r.accuracy for r in records]
    assert [point.values["alpha"] for point in whole.points] == [r.labels["alpha"] for r in records]
    assert len(trainings) == 6
    for training, record in zip(trainings, records, strict=True):
        assert training.settings["key"] == record.key
        assert training.settings["seed"] == record.seed
        assert training.points[-1].values["accuracy"] == record.accuracy
        assert training.over
