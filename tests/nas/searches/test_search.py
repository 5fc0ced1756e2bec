"""The search: what is on disk, what is never done twice, and that seeds repeat."""

import csv
import itertools
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nas.evaluators.base import Measurement, Report
from nas.executors.base import Executor
from nas.executors.local import InProcess, Processes
from nas.runs.records import Record
from nas.runs.storage import SqliteFile
from nas.runs.study import StudyStore
from nas.runs.trials_csv import write_csv
from nas.samplers.optuna import OptunaSampler
from nas.searches.loop import Search, SearchSettings, SearchStopped
from nas.searches.rewards import Front, Soft
from nas.searches.standing import search_result
from nas.trainings.failures import Failures
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.space import Space, load_space
from toy import Toy

SMALL = {
    "name": "small",
    "base": "efficientnet_b0",
    "vary": {"kernel": [3, 5]},
    "stages": {index: {"kernel": [3]} for index in range(3, 7)},
}


def space(size: str = "large") -> Space:
    if size == "small":
        return load_space(SMALL, "space")
    return load_space(
        {"name": "s", "base": "efficientnet_b0", "vary": {"kernel": [3, 5, 7], "expand": [3, 6]}},
        "space",
    )


def search(
    folder: Path,
    *,
    where: Space | None = None,
    front: bool = False,
    sampler: str = "RandomSampler",
    **settings: object,
) -> Search:
    folder.mkdir(exist_ok=True)
    return Search(
        space=where or space(),
        sampler=OptunaSampler(sampler=f"optuna.samplers.{sampler}"),
        reward=(Front if front else Soft)(target=400e6),
        settings=SearchSettings(**settings),
        store=StudyStore(
            SqliteFile(folder / "study.db"),
            "test",
            ("maximize", "minimize") if front else ("maximize",),
        ),
        progress=lambda records, finished: None,
    )


def here(evaluator: Toy | None = None):
    return lambda: InProcess(evaluator or Toy())


def rows(folder: Path, records: list[Record]) -> list[list[str]]:
    write_csv(folder / "trials.csv", records, search_result(records), {})
    with (folder / "trials.csv").open() as file:
        return [
            [cell for name, cell in row.items() if name != "seconds"]
            for row in csv.DictReader(file)
        ]


def test_exactly_as_many_trials_as_asked_and_no_network_twice(tmp_path: Path) -> None:
    records = search(tmp_path, trials=20).run(here())
    assert [record.number for record in records] == list(range(20))
    assert len({record.key for record in records}) == 20
    assert search(tmp_path, trials=20).store.records() == records


def test_the_same_seed_gives_the_same_trials_and_another_seed_others(tmp_path: Path) -> None:
    first, second, other = (
        rows(tmp_path, search(tmp_path / name, trials=15, seed=seed).run(here()))
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == second
    assert first != other


@pytest.mark.parametrize(
    ("front", "sampler"), [(False, "TPESampler"), (True, "TPESampler"), (True, "NSGAIISampler")]
)
def test_a_search_in_pieces_equals_one_in_a_single_go(
    tmp_path: Path, front: bool, sampler: str
) -> None:
    asked = {"front": front, "sampler": sampler}
    whole = search(tmp_path / "whole", trials=16, **asked).run(here())
    for trials in (1, 12, 13, 16):
        pieces = search(tmp_path / "pieces", trials=trials, **asked).run(here())
    assert rows(tmp_path, pieces) == rows(tmp_path, whole)


def test_nothing_is_left_to_do_once_finished(tmp_path: Path) -> None:
    search(tmp_path, trials=5).run(here())

    def unwanted() -> Executor:
        raise AssertionError("a worker was started")

    assert len(search(tmp_path, trials=5).run(unwanted)) == 5


def test_limits_keep_what_is_too_dear_from_being_evaluated(tmp_path: Path) -> None:
    records = search(tmp_path, trials=10, macs_max=330e6, params_max=5.2e6).run(here())
    assert all(r.macs <= 330e6 and r.params <= 5.2e6 for r in records)


def test_limits_that_leave_nothing_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"within the limits: MACs ≤ 1,000"):
        search(tmp_path, where=space("small"), trials=3, macs_max=1e3).check()


def test_a_space_smaller_than_the_budget_is_searched_whole(tmp_path: Path) -> None:
    records = search(tmp_path, where=space("small"), trials=50).run(here())
    assert len(records) == 8
    kernels = {tuple(record.choices[f"s{i}_kernel"] for i in range(3)) for record in records}
    assert kernels == set(itertools.product((3, 5), repeat=3))


def test_failed_candidates_are_recorded_with_their_reason_and_not_counted(tmp_path: Path) -> None:
    records = search(tmp_path, trials=12).run(here(Toy(fail_every=4)))
    failed = [record for record in records if record.state == "failed"]
    assert failed
    assert len(records) - len(failed) == 12
    assert {record.reason for record in failed} == {"diverged: loss nan at epoch 1"}
    assert all(record.reward is None and record.accuracy is None for record in failed)


def test_an_accuracy_that_is_no_number_fails_its_candidate(tmp_path: Path) -> None:
    records = search(tmp_path, trials=8, seeds=2).run(here(Unsure()))
    failed = [record for record in records if record.state == "failed"]
    assert failed
    assert {record.reason for record in failed} == {"the evaluator gave an accuracy of nan"}
    found = search_result(records)
    assert found is not None
    assert found.baseline not in failed


class Unsure(Toy):
    """Gives every third network no accuracy, with the second seed."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        measured = super().evaluate(arch, seed, report)
        lost = seed == 1 and int(arch.key(), 16) % 3 == 0
        return replace(measured, accuracy=float("nan")) if lost else measured


def test_a_search_whose_candidates_all_fail_stops_and_keeps_the_records(tmp_path: Path) -> None:
    asked = search(tmp_path, trials=50, failures_max=4)
    with pytest.raises(SearchStopped, match=r"4 candidates failed.*diverged"):
        asked.run(here(Toy(fail_every=1)))
    assert len(asked.store.records()) == 4


def test_failures_count_for_one_call(tmp_path: Path) -> None:
    for calls in (1, 2):
        asked = search(tmp_path, trials=50, failures_max=4)
        with pytest.raises(SearchStopped, match=r"4 candidates failed.*diverged"):
            asked.run(here(Toy(fail_every=1)))
        assert len(asked.store.records()) == 4 * calls


@dataclass(frozen=True, kw_only=True)
class OnADisk(Toy):
    """Reads a file, which may not be there."""

    path: str
    every: int = 1
    """Every nth key does."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        if int(arch.key(), 16) % self.every == 0:
            Path(self.path).read_text()
        return super().evaluate(arch, seed, report)


def test_what_the_machine_failed_is_not_on_record_and_tried_again(tmp_path: Path) -> None:
    disk, told = tmp_path / "disk", []
    asked = replace(search(tmp_path / "a", trials=12, failures_max=3), on_loss=told.append)
    with pytest.raises(SearchStopped, match=r"^3 candidates failed .*FileNotFoundError: .*disk'"):
        asked.run(here(OnADisk(path=str(disk))))
    assert asked.store.records() == []
    assert [line.partition(":")[0] for line in told] == [
        f"suggestion {number} was lost" for number in (0, 1, 2)
    ]
    disk.touch()
    again = search(tmp_path / "a", trials=12).run(here(OnADisk(path=str(disk))))
    whole = search(tmp_path / "b", trials=12).run(here())
    assert rows(tmp_path, again) == rows(tmp_path, whole)


def test_a_search_ends_without_what_the_machine_fails_and_says_so(tmp_path: Path) -> None:
    evaluator = OnADisk(path=str(tmp_path / "disk"), every=2)
    asked = search(tmp_path, where=space("small"), trials=50)
    with pytest.raises(SearchStopped, match=r"candidates were lost.*the same command tries them"):
        asked.run(here(evaluator))
    kept = asked.store.records()
    assert 0 < len(kept) < 8
    (tmp_path / "disk").touch()
    records = search(tmp_path, where=space("small"), trials=50).run(here(evaluator))
    assert records[: len(kept)] == kept
    assert sorted(record.proposal for record in records) == list(range(8))


def test_the_traceback_of_an_evaluator_is_kept_and_named(tmp_path: Path) -> None:
    asked = replace(search(tmp_path, trials=2, failures_max=1), failures=Failures(tmp_path))
    with pytest.raises(SearchStopped):
        asked.run(here(Buggy()))
    (record,) = asked.store.records()
    expected = r"ZeroDivisionError: division by zero \(test_search.py, line \d+\), see (.*)"
    found = re.fullmatch(expected, record.reason)
    assert found
    assert found[1] == "failures/0000.txt"
    text = (tmp_path / found[1]).read_text()
    assert "return Measurement(accuracy=1 / 0)" in text


class Buggy(Toy):
    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        return Measurement(accuracy=1 / 0)


class PerCent(Toy):
    def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
        return 61.5


def test_an_accuracy_in_per_cent_ends_the_search_at_once(tmp_path: Path) -> None:
    asked = search(tmp_path, trials=5)
    with pytest.raises(UserError) as mistake:
        asked.run(here(PerCent()))
    assert str(mistake.value) == (
        "evaluator: accuracy of 61.5; expected a fraction from 0 to 1; divide per cent by 100"
    )
    assert asked.store.records() == []


def test_accuracy_is_the_mean_over_seeds_with_its_standard_error(tmp_path: Path) -> None:
    evaluator = Toy(noise=0.01)
    (record,) = search(tmp_path, trials=1, seeds=3, seed=5).run(here(evaluator))
    arch = space().decode(record.choices)
    measured = [evaluator.evaluate(arch, seed, lambda e, a: None).accuracy for seed in (5, 6, 7)]
    assert record.accuracy == pytest.approx(sum(measured) / 3)
    assert record.accuracy_stderr is not None
    assert record.accuracy_stderr > 0
    assert len(record.curves) == 3


def test_what_an_evaluator_notes_is_on_record(tmp_path: Path) -> None:
    asked = search(tmp_path, trials=2, seeds=2)
    records = asked.run(here(Noting()))
    assert [record.note for record in records] == ["batches in parts"] * 2
    assert asked.store.records() == records


def test_trials_within_the_noise_of_the_baseline_are_marked(tmp_path: Path) -> None:
    records = search(tmp_path, trials=8, seeds=3, seed=1).run(here(Toy(noise=0.1)))
    found = search_result(records)
    assert found is not None
    assert 0 < len(found.ties) < 7
    write_csv(tmp_path / "trials.csv", records, found, {})
    with (tmp_path / "trials.csv").open() as file:
        ties = [row["number"] for row in csv.DictReader(file) if row["tie"] == "True"]
    assert ties == [str(record.number) for record in found.ties]


class Noting(Toy):
    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        measured = super().evaluate(arch, seed, report)
        return replace(measured, note="batches in parts")


def test_worker_processes_find_what_one_process_finds_of_each_network(tmp_path: Path) -> None:
    evaluator = Toy(noise=0.05)
    alone = search(tmp_path / "one", where=space("small"), trials=8).run(here(evaluator))
    side_by_side = search(tmp_path / "two", where=space("small"), trials=8).run(
        lambda: Processes(evaluator, 2)
    )
    assert {r.key: r.accuracy for r in alone} == {r.key: r.accuracy for r in side_by_side}


def test_the_front_holds_what_nothing_beats_in_both(tmp_path: Path) -> None:
    found = search_result(search(tmp_path, trials=20, front=True).run(here()))
    assert found is not None
    front = [(record.cost, record.accuracy) for record in found.front]
    assert front == sorted(front)
    assert [accuracy for _, accuracy in front] == sorted(accuracy for _, accuracy in front)
    assert found.baseline.key in {record.key for record in found.front}


def deep_networks_do_not_fit(arch: Arch) -> None:
    if arch.stages[1].kernel == 5:
        raise UserError("evaluator: 5×5 kernels do not fit")


def test_networks_that_cannot_be_fed_are_never_tried(tmp_path: Path) -> None:
    asked = replace(
        search(tmp_path, where=space("small"), trials=100), evaluable=deep_networks_do_not_fit
    )
    asked.check()
    records = asked.run(here())
    assert len(records) == space("small").size // 2
    assert all(record.choices["s1_kernel"] == 3 for record in records)


def test_a_space_of_which_nothing_can_be_fed_is_refused_with_the_reason(tmp_path: Path) -> None:
    def nothing(arch: Arch) -> None:
        raise UserError("evaluator: 8 px are too few")

    with pytest.raises(UserError, match="8 px are too few"):
        replace(search(tmp_path, trials=1), evaluable=nothing).check()


def test_a_study_with_other_objectives_is_refused(tmp_path: Path) -> None:
    search(tmp_path, trials=1).run(here())
    with pytest.raises(UserError, match="has objectives"):
        search(tmp_path, trials=1, front=True).run(here())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trials": 0}, "trials: expected at least 1, got 0"),
        ({"seeds": 0}, "seeds"),
        ({"macs_max": -1.0}, "macs_max"),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        SearchSettings(**settings)  # type: ignore[arg-type]


def test_a_store_that_refuses_stops_the_search_with_one_line(tmp_path: Path) -> None:
    asked = search(tmp_path, trials=6)
    asked.run(here())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    again = search(tmp_path, trials=9)
    again.store.trials()
    again.store._study.add_trial = full  # type: ignore[union-attr, method-assign]
    with pytest.raises(OSError, match=r"cannot be written to: .*No space left on device"):
        again.run(here())
    assert len(search(tmp_path, trials=9).run(here())) == 9


def test_a_store_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    asked = search(tmp_path, trials=1)
    asked.store.storage = SqliteFile(tmp_path / "nowhere" / "study.db")
    with pytest.raises(UserError, match=r"nowhere/study.db: cannot be opened"):
        asked.run(here())
