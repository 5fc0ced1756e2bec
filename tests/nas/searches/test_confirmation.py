"""The best networks of a search trained alone: which ones, each once, and what is named by them."""

import csv
import dataclasses
import math
import os
import signal
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import toy
from biased import Alone, Biased
from nas.cli import main
from nas.executors.local import InProcess, Processes
from nas.prediction.correction import corrected
from nas.runs.records import Record
from nas.runs.storage import SqliteFile
from nas.runs.study import StudyStore
from nas.samplers.optuna import OptunaSampler
from nas.searches.confirmation import Confirmation
from nas.searches.loop import Search, SearchSettings
from nas.searches.rewards import Front, Soft
from nas.searches.standing import search_result
from nas.trainings.log import CONFIRMATION, TrainingLog
from nas.trainings.record import TrainingRecord
from search_spaces.files import read_text
from search_spaces.space import load_space
from search_spaces.yaml_io import read_about

SPACE = load_space(
    {
        "name": "s",
        "base": {
            "resolution": 64,
            "num_classes": 10,
            "stem": {"channels": 16},
            "stages": [{"channels": 16 + 8 * stage, "expand": 2} for stage in range(5)],
            "head": {"channels": 64},
        },
        "vary": {"kernel": [3, 5], "expand": [1, 2]},
    },
    "space",
)
TARGET = 16e6
MOST = 20e6
EVALUATOR = Biased(alone=Alone(noise=0.01))


def search(folder: Path, *, front: bool = False, **settings: object) -> Search:
    folder.mkdir(exist_ok=True)
    return Search(
        space=SPACE,
        sampler=OptunaSampler(sampler="optuna.samplers.RandomSampler"),
        reward=(Front if front else Soft)(target=TARGET),
        settings=SearchSettings(**settings),
        store=StudyStore(
            SqliteFile(folder / "study.db"),
            "test",
            ("maximize", "minimize") if front else ("maximize",),
        ),
        progress=lambda records, finished: None,
    )


def ignore(trained: TrainingRecord, done: int, total: int, seconds_left: float | None) -> None:
    """Nobody listens."""


def confirmed(
    folder: Path, evaluator: Biased = EVALUATOR, workers: int = 1, **asked: object
) -> tuple[Confirmation, list[Record]]:
    """A search and its confirmation, carried out in a folder."""
    of = search(folder, **asked)
    records = of.run(lambda: InProcess(evaluator))
    confirmation = Confirmation(of, evaluator.alone, TrainingLog(folder / CONFIRMATION))
    alone = evaluator.alone
    confirmation.run(
        records, lambda: InProcess(alone) if workers == 1 else Processes(alone, workers), ignore
    )
    return confirmation, records


def lines(folder: Path) -> list[tuple[str, int, float | None]]:
    log = TrainingLog(folder / CONFIRMATION).read()
    assert len(read_text(folder / CONFIRMATION).splitlines()) == len(log)
    return [(each.key, each.seed, each.accuracy) for each in log]


def true_reward(record: Record) -> float:
    accuracy = Alone().evaluate(record.arch, 0, lambda epoch, value: None).accuracy
    return Soft(target=TARGET)(accuracy, record.macs)


def test_confirming_mends_the_baseline_that_a_biased_estimate_names(tmp_path: Path) -> None:
    gains = []
    for seed in range(6):
        of, records = confirmed(tmp_path / str(seed), trials=24, seed=seed, confirm=8)
        biased = of.search.recommended(records)
        named = search_result(records, biased, *of.confirmed(records))
        assert named is not None
        assert biased is not None
        gains.append(true_reward(named.baseline) - true_reward(biased))
    assert statistics.fmean(gains) > 2 * statistics.stdev(gains) / math.sqrt(len(gains))


def test_unlike_networks_within_the_limits_are_confirmed_the_best_first(tmp_path: Path) -> None:
    of, records = confirmed(tmp_path, trials=40, macs_max=MOST, confirm=5)
    chosen = of.chosen(records)
    assert len(lines(tmp_path)) == len(chosen) == 5
    assert all(record.macs <= MOST for record in chosen)
    expected = of.search.expected()
    rewards = [of.search.reward(expected[record.number], record.cost) for record in chosen]
    assert rewards == sorted(rewards, reverse=True)
    assert max(rewards) == max(of.search.reward(expected[r.number], r.cost) for r in records)
    for index, one in enumerate(chosen):
        for other in chosen[:index]:
            assert sum(one.choices[name] != other.choices[name] for name in one.choices) >= 2


def test_where_unlike_networks_are_few_alike_ones_are_confirmed_too(tmp_path: Path) -> None:
    of, records = confirmed(tmp_path, trials=6, confirm=6)
    assert {record.key for record in of.chosen(records)} == {record.key for record in records}


@pytest.mark.parametrize("front", [False, True])
def test_the_named_is_an_estimate_with_an_error_and_ties(tmp_path: Path, front: bool) -> None:
    of, records = confirmed(tmp_path, trials=30, confirm=8, front=front)
    found, failures = of.confirmed(records)
    assert not failures
    assert len(found) == 8
    result = search_result(records, None, found)
    assert result is not None
    best = found[result.baseline.number]
    assert best.reward == max(each.reward or 0 for each in found.values())
    assert best.expected_stderr is not None
    assert 0 < best.expected_stderr < 0.05
    assert not best.tie
    assert {record.number for record in result.ties} == {n for n, e in found.items() if e.tie}


def test_each_training_is_done_once_however_often_it_is_interrupted(tmp_path: Path) -> None:
    whole, _ = confirmed(tmp_path / "whole", trials=20, seeds=2, confirm=6)
    of = dataclasses.replace(
        whole,
        search=search(tmp_path / "pieces", trials=20, seeds=2, confirm=6),
        log=TrainingLog(tmp_path / "pieces" / CONFIRMATION),
    )
    records = of.search.run(lambda: InProcess(EVALUATOR))

    def interrupt(trained: TrainingRecord, done: int, total: int, left: float | None) -> None:
        assert total == 12
        if done in (1, 5, 11):
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            of.run(records, lambda: InProcess(EVALUATOR.alone), interrupt)
    of.run(records, lambda: InProcess(EVALUATOR.alone), ignore)
    assert lines(tmp_path / "pieces") == lines(tmp_path / "whole")
    assert of.confirmed(records) == whole.confirmed(records)


def test_a_call_that_asks_for_more_goes_on_and_all_on_record_count(tmp_path: Path) -> None:
    confirmed(tmp_path, trials=20, confirm=3)
    before = lines(tmp_path)
    of, records = confirmed(tmp_path, trials=30, confirm=6)
    assert lines(tmp_path)[:3] == before
    assert len(of.confirmed(records)[0]) == len(lines(tmp_path))
    of, records = confirmed(tmp_path, trials=30, confirm=0)
    assert len(of.confirmed(records)[0]) == len(lines(tmp_path))


def test_two_workers_confirm_what_one_does(tmp_path: Path) -> None:
    one, _ = confirmed(tmp_path / "one", trials=12, confirm=4)
    two, records = confirmed(tmp_path / "two", trials=12, confirm=4, workers=2)
    assert sorted(lines(tmp_path / "two")) == sorted(lines(tmp_path / "one"))
    assert one.confirmed(records) == two.confirmed(records)


def test_a_network_that_fails_alone_is_told_and_not_named(tmp_path: Path) -> None:
    first, records = confirmed(tmp_path / "first", trials=12, confirm=4)
    best = search_result(records, None, first.confirmed(records)[0])
    assert best is not None
    failing = Biased(alone=Alone(noise=0.01, failing=(best.baseline.key,)))
    of, records = confirmed(tmp_path / "second", failing, trials=12, confirm=4)
    found, failures = of.confirmed(records)
    assert failures == {best.baseline.number: "seed 0: diverged: loss nan at epoch 1"}
    result = search_result(records, None, found, failures)
    assert result is not None
    assert result.baseline.number in found.keys() - {best.baseline.number}


def test_corrected_accuracies_lie_between_both_measurements() -> None:
    """As far as the differences of the others say how far apart the two are."""
    rng = np.random.default_rng(0)
    cheap = 0.6 + 0.02 * rng.normal(size=12)
    dear = 0.7 + 0.02 * rng.normal(size=12)
    found = corrected(rng.normal(size=(12, 20)), cheap, dear)
    shifted = cheap + (dear - cheap).mean()
    low, high = np.minimum(dear, shifted) - 0.005, np.maximum(dear, shifted) + 0.005
    assert ((low < found.accuracies) & (found.accuracies < high)).all()
    assert found.accuracies.std() < dear.std()


def test_of_very_few_the_trainings_are_taken_as_they_are() -> None:
    dear = np.array([0.7, 0.8])
    found = corrected(np.zeros((2, 3)), np.array([0.6, 0.5]), dear)
    assert found.accuracies.tolist() == dear.tolist()
    assert found.stderrs is None


def command(run: Path, *more: str) -> list[str]:
    toys = ("evaluator=custom", "evaluator._target_=biased.Biased", "sampler=random")
    return [f"run={run}", "search.trials=8", "search.workers=1", "search.confirm=4", *toys, *more]


def test_a_killed_confirmation_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    """Killed as by `kill -9`, with its third training under way."""
    run, gate = tmp_path / "run", tmp_path / "gate"
    held = [
        "+evaluator.alone._target_=biased.Alone",
        f"+evaluator.alone.gate={gate}",
        # Eight evaluations of the search ask it too.
        "+evaluator.alone.free=10",
    ]
    arguments = ["search", *command(run, *held)]
    folders = (Path(toy.__file__).parent, Path(__file__).parents[2] / "support")
    process = subprocess.Popen(
        [sys.executable, "-c", f"import nas.cli; nas.cli.main({arguments!r})"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*folders, *sys.path)))},
        stderr=subprocess.DEVNULL,
    )
    log = run / CONFIRMATION
    toy.wait_until(lambda: log.exists() and len(log.read_bytes().splitlines()) == 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = log.read_bytes()
    gate.touch()
    main(arguments)
    assert log.read_bytes().startswith(before)
    assert len(lines(run)) == 4
    assert (run / "baseline.yaml").exists()


def test_what_is_written_tells_confirmed_networks_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["search", *command(tmp_path)])
    said = capsys.readouterr()
    assert "confirmed 4 networks, each trained alone" in said.out
    assert "when trained alone" in said.out
    assert "confirm 4/4 · trial " in said.err
    with (tmp_path / "trials.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["confirmed"]]
    assert len(rows) == 4
    assert all(float(row["expected_stderr"]) > 0 for row in rows)
    about = read_about(tmp_path / "baseline.yaml")
    named = about["confirmed"][about["trial"]]
    (row,) = [row for row in rows if row["baseline"] == "True"]
    assert float(row["expected"]) == named["expected"]
    main(["search", *command(tmp_path)])
    assert "confirm 4/4" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (["search.confirm=-1"], "confirm: expected at least 0, got -1"),
        (["search.confirm=two"], "search.confirm: expected an integer, got 'two'"),
        (
            ["evaluator._target_=toy.Toy"],
            "search.confirm: Toy has no training that is more to be trusted than its own "
            "accuracies; expected 0, or an evaluator of shared weights, such as evaluator=supernet",
        ),
    ],
)
def test_what_cannot_be_confirmed_is_told_on_one_line_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: list[str], line: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["search", *command(tmp_path / "run", *changes)])
    assert line in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_trainings_by_another_evaluator_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["search", *command(tmp_path)])
    other = ["+evaluator.alone._target_=biased.Alone", "+evaluator.alone.noise=0.1"]
    before = lines(tmp_path)
    for confirm in (0, 6):
        capsys.readouterr()
        asked = [*command(tmp_path, *other), f"search.confirm={confirm}"]
        with pytest.raises(SystemExit, match="2"):
            main(["search", *asked])
        assert "holds a confirm made with evaluator.noise=0.0, not 0.1" in capsys.readouterr().err
    assert lines(tmp_path) == before


def test_a_damaged_log_is_told_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["search", *command(tmp_path)])
    log = tmp_path / CONFIRMATION
    log.write_text("{}\n" + read_text(log), "utf-8")
    capsys.readouterr()
    with pytest.raises(SystemExit, match="2"):
        main(["search", *command(tmp_path)])
    (said,) = capsys.readouterr().err.splitlines()
    assert str(log) in said
