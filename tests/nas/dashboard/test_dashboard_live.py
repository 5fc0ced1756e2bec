"""A run is drawn from its records at any moment: under way, killed or finished."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import run_folder
from devtools import probed
from nas.cli import main
from nas.dashboard.frames import load_run
from nas.dashboard.state import run_state
from nas.dashboard.sweep import sweep
from nas.dashboard.write import write_dashboard
from nas.networks.cost import cost
from nas.runs.locks import held, holder
from nas.runs.study import recorded
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

TOY = ("evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=1", "search.trials=9")


def drawn(folder: Path) -> str:
    """The page's own words, without the script of its figures."""
    text = write_dashboard(folder, COMPOUND).read_text("utf-8")
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_a_search_is_drawn_while_it_runs_and_after_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Two trials end, the third waits, however long the page takes to be drawn.
    run, gate = Path("run"), tmp_path / "gate"
    arguments = ["search", *TOY, f"+evaluator.gate={gate}", "+evaluator.free=2", "run=run"]
    code = f"import nas.cli; nas.cli.main({arguments!r})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as search:
        while len(recorded(run)) < 2:
            assert search.poll() is None
            time.sleep(0.1)
        page = drawn(run)
        search.kill()
    assert f"Under way (process {search.pid} on {socket.gethostname()})" in page
    assert "Under way: 2 of 9 trials so far" in page
    assert "Best measured so far, proxy accuracy" in page
    assert "the search has not named a baseline" in page

    page = drawn(run)
    assert "Under way" not in page
    assert "Not finished: the search, 2 of 9 trials" in page

    gate.touch()
    main(arguments)
    page = drawn(run)
    assert "Not finished" not in page
    assert "Baseline, proxy accuracy" in page


def test_a_search_that_has_just_begun_is_drawn(tmp_path: Path) -> None:
    run_folder.write_config(tmp_path)
    run_folder.write_asked(tmp_path, "search", trials=24)
    (tmp_path / "study.db").touch()
    with held(tmp_path / ".lock", "the folder"):
        page = drawn(tmp_path)
    assert "Under way: 0 of 24 trials so far" in page
    assert "A run that has just begun" in page


def test_a_search_whose_records_lie_elsewhere_says_so(tmp_path: Path) -> None:
    run_folder.write_config(tmp_path)
    run_folder.write_asked(tmp_path, "search", trials=24)
    assert "Its records are not in this folder" in drawn(tmp_path)


def test_a_sweep_is_drawn_from_its_log(tmp_path: Path) -> None:
    keys = run_folder.write_sweep_log(tmp_path, 6)
    asked = {"phi": 1.0, "target_ratio": 2.0, "band": [1.0, 2.25]}
    run_folder.write_asked(tmp_path, "sweep", networks=[*keys, "f" * 16, "e" * 16], **asked)
    frames = load_run(tmp_path, COMPOUND)
    shown = sweep(frames)
    assert len(shown.candidates) == 6
    # The most accurate one is outside the band; noise is not known from one training each.
    assert shown.candidates.loc[0, ["key", "standing"]].tolist() == [keys[4], "winner"]
    assert shown.candidates["standing"].tolist().count("tied with the winner") == 4
    assert shown.candidates["standing"].tolist()[-1] == "outside the cost band"
    assert (shown.band, shown.target_ratio) == ((1.0, 2.25), 2.0)
    page = drawn(tmp_path)
    assert "Not finished: the sweep, 6 of 8 networks." in page
    assert "6 networks measured for 6 grid points at φ = 1" in page


def test_a_log_counts_where_there_is_a_table_too(tmp_path: Path) -> None:
    run_folder.write_sweep(tmp_path)
    assert len(load_run(tmp_path, COMPOUND).sweep) == 46
    keys = run_folder.write_sweep_log(tmp_path, 3, seeds=2)
    assert list(load_run(tmp_path, COMPOUND).sweep["key"]) == keys
    assert load_run(tmp_path, COMPOUND).sweep["seeds"].tolist() == [2, 2, 2]


def test_networks_of_another_sweep_in_the_log_are_left_out(tmp_path: Path) -> None:
    keys = run_folder.write_sweep_log(tmp_path, 4)
    run_folder.write_asked(tmp_path, "sweep", phi=1.0, networks=keys[:2])
    assert list(load_run(tmp_path, COMPOUND).sweep["key"]) == keys[:2]
    run_folder.write_asked(tmp_path, "sweep", phi=2.0)
    assert load_run(tmp_path, COMPOUND).sweep.empty


def test_a_network_that_failed_cannot_win(tmp_path: Path) -> None:
    keys = run_folder.write_sweep_log(tmp_path, 3)
    log = run_folder.TrainingLog(tmp_path / "sweep.jsonl")
    log.append(run_folder.training(log.read()[2].arch, 1, None, {"phi": 1.0}, "diverged"))
    frames = load_run(tmp_path, COMPOUND)
    best = frames.sweep[frames.sweep["winner"]]
    assert best["key"].tolist() == [keys[1]]
    assert frames.sweep["reason"].tolist() == ["", "", "seed 1: diverged"]


def test_a_race_whose_answer_is_missing_is_not_finished(tmp_path: Path) -> None:
    keys = run_folder.write_sweep_log(tmp_path, 3)
    run_folder.write_asked(tmp_path, "sweep", phi=1.0, networks=keys)
    assert "every network is measured, no winner is named" in run_state(
        load_run(tmp_path, COMPOUND)
    )
    (tmp_path / "constants.yaml").write_text("{alpha: 1.1, beta: 1.1, gamma: 1.15}")
    assert run_state(load_run(tmp_path, COMPOUND)) == ""


def test_an_ablation_is_drawn_from_its_log(tmp_path: Path) -> None:
    keys = run_folder.write_ablation_log(tmp_path)
    run_folder.write_asked(tmp_path, "ablate", networks=[*keys, "f" * 16], seeds=1)
    ways = load_run(tmp_path, COMPOUND).ablation.set_index("kind")
    assert ways.loc["depth", ["depth", "width", "resolution"]].tolist() == [2, 1, 1]
    assert ways.loc["width", "width"] == pytest.approx(1.45, abs=0.02)
    assert ways.loc["width", ["target_ratio", "seeds", "key"]].tolist() == [2, 1, keys[2]]
    page = drawn(tmp_path)
    assert "Not finished: the ablation, 5 of 6 networks." in page
    assert "One dimension or all" in page
    # With two trainings of each asked for, none is done.
    run_folder.write_asked(tmp_path, "ablate", networks=keys, seeds=2)
    assert "0 of 5 networks" in drawn(tmp_path)


def test_a_record_that_is_being_written_is_none_yet(tmp_path: Path) -> None:
    run_folder.write_sweep_log(tmp_path, 3)
    with (tmp_path / "sweep.jsonl").open("a") as log:
        log.write('{"key": "00')
    assert len(load_run(tmp_path, COMPOUND).sweep) == 3


EVIL = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>"


def test_names_in_a_log_that_are_markup_stay_text(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_folder.write_sweep_log(run, 3, compact=EVIL)
    run_folder.write_ablation_log(run)
    log = run_folder.TrainingLog(run / "sweep.jsonl")
    log.append(run_folder.training(log.read()[0].arch, 1, None, {"phi": 1.0}, EVIL))
    (run / ".lock").write_text(f"process {os.getpid()} on {EVIL}")
    report = probed(write_dashboard(run, COMPOUND), tmp_path, 390)
    assert not report["owned"]
    assert report["resources"] == []
    assert "window.owned = 1" in " ".join(report["hovers"])


@pytest.mark.parametrize("name", ["sweep.jsonl", "ablation.jsonl"])
@pytest.mark.parametrize(
    "label", [{"macs": {"a": 1}}, {"realised_ratio": "none"}, {"width": [2]}, {"params": True}]
)
def test_labels_that_are_no_figures_are_refused(
    tmp_path: Path, name: str, label: dict[str, Any]
) -> None:
    log = run_folder.TrainingLog(tmp_path / name)
    labels = {"kind": "depth", "realised_ratio": 2, **label}
    log.append(run_folder.training(zoo("efficientnet_b0"), 0, 0.5, labels))
    with pytest.raises(UserError, match=rf"{name}: .*labels: '?{next(iter(label))}'?: expected a"):
        load_run(tmp_path, COMPOUND)


FORGED = {"macs": -5, "params": 1, "compact": "ir_r1_k3_s1_e1_c16", "realised_ratio": 9}


def forged(log: Path) -> None:
    """Label each network of a log with figures that are not its own."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    lines = [json.dumps({**each, "labels": {**each["labels"], **FORGED}}) for each in records]
    log.write_text("\n".join(lines) + "\n")


def test_a_sweep_shows_what_its_networks_are_not_what_records_say_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["sweep", *TOY[:2], "baseline=efficientnet_b0", "run=run", "sweep.step=0.2", "workers=1"])
    before = load_run(Path("run"), COMPOUND).sweep
    table = pd.read_csv("run/sweep.csv").set_index("key").loc[before["key"]]
    for name in ("macs", "params", "compact", "realised_ratio"):
        assert before[name].tolist() == table[name].tolist()
    forged(Path("run/sweep.jsonl"))
    pd.testing.assert_frame_equal(load_run(Path("run"), COMPOUND).sweep, before)


def test_an_ablation_shows_what_its_networks_are_not_what_records_say_of_them(
    tmp_path: Path,
) -> None:
    run_folder.write_ablation_log(tmp_path)
    before = load_run(tmp_path, COMPOUND).ablation
    assert before.set_index("kind").loc["baseline", "realised_ratio"] == 1
    assert before["macs"].min() == cost(zoo("efficientnet_b0")).macs
    forged(tmp_path / "ablation.jsonl")
    pd.testing.assert_frame_equal(load_run(tmp_path, COMPOUND).ablation, before)


def test_who_holds_a_lock_is_told_without_taking_it(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    assert holder(lock) is None
    with held(lock, "it"):
        assert holder(lock) == f"process {os.getpid()} on {socket.gethostname()}"
    # A killed process leaves its file, another machine's cannot be asked.
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    lock.write_text(f"process {gone.pid} on {socket.gethostname()}")
    assert holder(lock) is None
    lock.write_text(f"process {gone.pid} on elsewhere")
    assert holder(lock) == f"process {gone.pid} on elsewhere"
    lock.write_text("nonsense")
    assert holder(lock) is None
