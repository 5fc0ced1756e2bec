"""A search that is killed, at whatever moment, and started again."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import toy
from interrupted import read_until
from orphans import kill_with_children

TRIALS = 40


def command(folder: Path, workers: int, *more: str, trials: int = TRIALS) -> list[str]:
    settings = [
        f"run={folder}",
        f"search.trials={trials}",
        f"search.workers={workers}",
        "sampler=random",
        "evaluator=custom",
        "evaluator._target_=toy.Toy",
        "+evaluator.seconds=0.02",
        *more,
    ]
    return [sys.executable, "-c", f"import nas.cli; nas.cli.main({['search', *settings]!r})"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(toy.__file__).parent)}


def finished(folder: Path) -> list[tuple[object, ...]]:
    """(when finished, proposal, key, accuracy) of every trial on disk, as a reader sees it."""
    try:
        # Not read-only: whoever comes after a kill has to roll back what was half-written.
        with closing(sqlite3.connect(f"file:{folder / 'study.db'}?mode=rw", uri=True)) as database:
            rows = database.execute(
                "SELECT trial_id, datetime_complete, key, value_json FROM trials "
                "JOIN trial_user_attributes USING (trial_id) ORDER BY trial_id"
            ).fetchall()
    except sqlite3.OperationalError:  # not there yet
        return []
    trials: dict[int, dict[str, object]] = {}
    for number, when, name, value in rows:
        trials.setdefault(number, {"when": when})[name] = value
    return [tuple(t[n] for n in ("when", "proposal", "key", "accuracy")) for t in trials.values()]


def wait_for(process: "subprocess.Popen[str]", folder: Path, trials: int) -> None:
    while len(finished(folder)) < trials:
        assert not process.poll()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[object, ...]]:
    """What a search that nobody kills has on record, but when."""
    folder = tmp_path_factory.mktemp("undisturbed")
    subprocess.run(command(folder, 1), env=environment(), check=True, capture_output=True)
    return {trial[1:] for trial in finished(folder)}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_search_loses_and_repeats_nothing(
    tmp_path: Path, workers: int, undisturbed: set[tuple[object, ...]]
) -> None:
    folder = tmp_path / "run"
    rng = random.Random(workers)
    before: list[tuple[object, ...]] = []
    for _ in range(3):
        process = subprocess.Popen(
            command(folder, workers), env=environment(), stderr=subprocess.DEVNULL, text=True
        )
        enough = min(len(before) + rng.randint(1, 8), TRIALS)
        wait_for(process, folder, enough)
        time.sleep(rng.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()
        now = finished(folder)
        assert now[: len(before)] == before
        before = now
    subprocess.run(command(folder, workers), env=environment(), check=True, capture_output=True)
    after = finished(folder)
    assert after[: len(before)] == before
    assert len(after) == TRIALS
    rows = (folder / "trials.csv").read_text().splitlines()
    assert len(rows) == TRIALS + 1
    assert {trial[1:] for trial in after} == undisturbed
    assert len({key for _, _, key, _ in after}) == TRIALS


def test_workers_do_not_outlive_a_killed_search(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(
        command(folder, 2), env=environment(), stderr=subprocess.DEVNULL, text=True
    )
    wait_for(process, folder, 2)
    kill_with_children(process, 2)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_says_how_to_go_on_and_a_second_stops_at_once(tmp_path: Path, times: int) -> None:
    folder = tmp_path / "run"
    # Two evaluations end, the others wait: it is interrupted in their midst, however busy all is.
    gate = [f"+evaluator.gate={tmp_path / 'gate'}", "+evaluator.free=2"]
    process = subprocess.Popen(
        command(folder, 2, *gate, trials=8),
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        # As in a terminal, where Ctrl-C goes to all processes at once.
        start_new_session=True,
        # A shell's background jobs, and all that they start, ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr
    wait_for(process, folder, 2)
    os.killpg(process.pid, signal.SIGINT)
    if times == 2:
        read_until(process.stderr, "Ctrl-C again stops at once")
        os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "To go on: nas-search search run=" in errors
    assert "Traceback" not in errors
    before = finished(folder)
    (tmp_path / "gate").touch()
    again = command(folder, 1, *gate, trials=8)
    subprocess.run(again, env=environment(), check=True, capture_output=True)
    assert finished(folder)[: len(before)] == before
    assert len(finished(folder)) == 8
