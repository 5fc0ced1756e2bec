"""A budget of time in place of a number of trials: what is begun in it, and what it counts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import optuna
import pytest

from nas.cli import main
from nas.evaluators.base import Measurement
from nas.executors.base import Job, Outcome
from nas.networks.cost import cost
from nas.runs.storage import SqliteFile
from nas.runs.study import StudyStore
from nas.samplers.optuna import OptunaSampler
from nas.searches.loop import Search, SearchSettings
from nas.searches.rewards import Soft
from nas.searches.time_budget import on_record, seconds_of
from search_spaces.errors import UserError
from search_spaces.space import load_space

SPACE = {"name": "s", "base": "efficientnet_b0", "vary": {"kernel": [3, 5, 7], "expand": [3, 6]}}


@dataclass
class Clock:
    """A clock that only trials move."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Fixed:
    """An executor whose every job takes the same time, side by side with `workers` − 1 others."""

    clock: Clock
    each: float
    workers: int = 1
    begun: list[float] = field(default_factory=list)
    _waiting: list[tuple[float, int]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *gone: object) -> None: ...

    def submit(self, job: Job) -> None:
        assert cost(job.arch).macs > 0
        self.begun.append(self.clock.now)
        self._waiting.append((self.clock.now + self.each, job.number))

    def next(self) -> Outcome:
        end, number = min(self._waiting)
        self._waiting.remove((end, number))
        self.clock.now = max(self.clock.now, end)
        found = Measurement(accuracy=0.5 + number / 1000)
        return Outcome(number=number, measurements=(found,), seconds=self.each)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("nas.searches.time_budget.monotonic", made.monotonic)
    return made


def search(folder: Path, **settings: object) -> Search:
    return Search(
        space=load_space(SPACE, "space"),
        sampler=OptunaSampler(sampler="optuna.samplers.RandomSampler"),
        reward=Soft(target=400e6),
        settings=SearchSettings(**settings),  # type: ignore[arg-type]
        store=StudyStore(SqliteFile(folder / "study.db"), "test", ("maximize",)),
        progress=lambda records, finished: None,
    )


@pytest.mark.parametrize("workers", [1, 3])
def test_no_trial_is_begun_that_would_end_past_the_budget(
    workers: int, tmp_path: Path, clock: Clock
) -> None:
    executor = Fixed(clock, each=10, workers=workers)
    records = search(tmp_path, budget="100s", trials=1).run(lambda: executor)
    spent = clock.now - 1000
    # Trials of unlike networks are taken to take unlike times, here they take the same.
    assert 70 <= spent <= 100
    assert len(records) == workers * round(spent / 10)


def test_a_call_after_another_has_only_what_is_left(tmp_path: Path, clock: Clock) -> None:
    search(tmp_path, trials=4).run(lambda: Fixed(clock, each=10))
    again = Fixed(clock, each=10)
    began, trials = clock.now, search(tmp_path).store.trials()
    # As if the trials had been done one after another, and the call a week later.
    ago = datetime.now() - timedelta(days=7)
    with pytest.MonkeyPatch.context() as patch:
        for place, trial in enumerate(trials):
            patch.setattr(trial, "_datetime_start", ago + timedelta(seconds=10 * place))
            patch.setattr(trial, "datetime_complete", ago + timedelta(seconds=10 * (place + 1)))
        assert on_record(trials) == pytest.approx(40)
    records = search(tmp_path, budget="60s").run(lambda: again)
    assert len(records) > 4
    assert clock.now - began <= 60
    spent = Fixed(clock, each=10)
    whole = search(tmp_path, budget="10s").run(lambda: spent)
    assert (len(whole), spent.begun) == (len(records), [])


def test_trials_side_by_side_are_counted_once() -> None:
    began = datetime(2026, 1, 1)

    def trial(start: float, end: float) -> optuna.trial.FrozenTrial:
        made = optuna.trial.create_trial(value=1.0)
        made.datetime_start = began + timedelta(seconds=start)
        made.datetime_complete = began + timedelta(seconds=end)
        return made

    spans = [(0, 10), (2, 8), (5, 15), (100, 110)]
    assert on_record([trial(*span) for span in spans]) == pytest.approx(25)


def test_the_first_trial_is_done_in_any_time(tmp_path: Path, clock: Clock) -> None:
    executor = Fixed(clock, each=500)
    assert len(search(tmp_path, budget="1s").run(lambda: executor)) == 1


def test_a_time_that_is_over_before_the_first_trial_is_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy = ["evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=1"]
    with pytest.raises(SystemExit) as ended:
        main(["search", *toy, f"run={tmp_path / 'r'}", "search.budget=0.001s"])
    assert ended.value.code == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.endswith("search.budget: no trial fits into 0.001s; expected a longer time")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1.5h", 5400)],
)
def test_times_are_read(given: str, seconds: float) -> None:
    assert seconds_of(given) == seconds


@pytest.mark.parametrize("given", ["30", "m", "-3m", "0s", "30 m", "half an hour", "", "9e9h", 30])
def test_what_is_no_time_is_refused(given: str) -> None:
    with pytest.raises(UserError, match="expected a time such as 90s, 30m or 2h"):
        seconds_of(given)
    if isinstance(given, str):
        with pytest.raises(UserError, match="budget: expected a time"):
            SearchSettings(budget=given)
