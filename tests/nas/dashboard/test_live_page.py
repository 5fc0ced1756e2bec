"""The live page in a browser: new trials and epochs appear in it, and the reader is left alone."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import run_folder
from devtools import DevTools, devtools
from nas.dashboard.server.addresses import Access, bound
from nas.dashboard.server.http import PageServer, Site, serving
from nas.dashboard.server.live_page import LivePage, of_run
from nas.runs.study import recorded
from nas.trainings.log import TrainingLog
from scaling_search.rule.compound import COMPOUND
from search_spaces.zoo import zoo

SEARCH = (
    *("search", "run=run", "evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=2"),
    *("sampler=random", "search.trials=6"),
)
TESTS = Path(__file__).parents[2]
POINTS = (
    "(document.getElementById('accuracy-against-macs')?.calcdata ?? []).reduce((n, points) => "
    "n + (/^(trial|front)$/.test(points[0].trace.name) ? points.length : 0), 0)"
)
"""Trials that the first figure has drawn."""
STATUS = "document.getElementById('live-status')?.textContent"
LOADED = "document.readyState === 'complete' && typeof figures !== 'undefined'"


@contextmanager
def under_way(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A search in `folder/run`, of which three trainings begin before there is a file `gate`."""
    paths = os.pathsep.join(map(str, (TESTS.parent, TESTS)))
    command = [sys.executable, "-m", "nas.cli", *SEARCH, "+evaluator.free=3",
               f"+evaluator.gate={folder / 'gate'}", *arguments]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def shown(page: LivePage, folder: Path) -> Iterator[DevTools]:
    """A browser in which the page is open, and marked, so that loading it anew would be seen."""
    server = PageServer(bound("127.0.0.1", 0), Site({"/": page}, Access("")))
    with serving(server), devtools(folder / "profile") as tab:
        tab.open(f"http://127.0.0.1:{server.port}/")
        tab.until(f"{LOADED} && {STATUS} === 'Live'")
        tab.evaluate("window.marked = true")
        yield tab
        assert tab.evaluate("window.marked")


def test_trials_appear_while_two_workers_search(tmp_path: Path) -> None:
    with under_way(tmp_path, "serve=true", "serve.port=0") as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if line.startswith("live page: "))
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert address, said
        with devtools(tmp_path / "profile") as tab:
            tab.open(address[0])
            tab.until(f"{LOADED} && {POINTS} === 3")
            tab.evaluate("window.marked = true")
            assert "Under way" in tab.evaluate("document.body.innerText")
            (tmp_path / "gate").touch()
            tab.until(f"({STATUS} ?? '').includes('has ended')")
            assert tab.evaluate(POINTS) == 6
            assert tab.evaluate("window.marked")
            assert "Under way" not in tab.evaluate("document.body.innerText")
        assert process.wait() == 0
        assert "live page: ended" in process.stderr.read()


def test_the_page_outlives_a_search_that_is_killed_and_follows_the_next(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with shown(of_run(run, COMPOUND), tmp_path) as tab:
        assert "no such run folder" in tab.evaluate("document.body.innerText")
        with under_way(tmp_path) as process:
            tab.until(f"{POINTS} === 3")
            tab.until("document.body.innerText.includes('Under way')")
            process.send_signal(signal.SIGKILL)
            process.wait()
        tab.until("document.body.innerText.includes('Not finished: the search, 3 of 6 trials')")
        (tmp_path / "gate").touch()
        with under_way(tmp_path) as process:
            tab.until(f"{POINTS} === 6")
            assert process.wait() == 0
        tab.until("document.body.innerText.includes('Baseline, proxy accuracy')")
        assert len(recorded(run)) == 6


def test_a_run_that_begins_anew_in_the_same_folder_is_followed(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    run_folder.write_search(run, 9)
    run_folder.write_search(other, 4)
    with shown(of_run(run, COMPOUND), tmp_path) as tab:
        tab.until(f"{POINTS} === 9")
        run.rename(tmp_path / "old")
        tab.until("document.body.innerText.includes('no such run folder')")
        assert tab.evaluate("figures.size") == 0
        other.rename(run)
        tab.until(f"{POINTS} === 4")


def test_epochs_of_a_training_appear(tmp_path: Path) -> None:
    log = tmp_path / "run" / "trained" / "b0" / "log.jsonl"
    log.parent.mkdir(parents=True)
    row = {"lr": 0.1, "train_loss": 1.0, "train_accuracy": 0.5, "minival": 0.8, "seconds": 1.0}
    log.write_text(json.dumps({"epoch": 1, **row}) + "\n")
    with shown(of_run(tmp_path / "run", COMPOUND), tmp_path) as tab:
        tab.until("document.body.innerText.includes('b0 after 1 epoch')")
        log.write_text("".join(json.dumps({"epoch": n, **row}) + "\n" for n in (1, 2)))
        tab.until("document.body.innerText.includes('b0 after 2 epochs')")
        tab.until("document.getElementById('curves').calcdata[0].length === 2")


def test_the_reader_is_left_alone(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_folder.write_sweep_log(run, 5)
    with shown(of_run(run, COMPOUND), tmp_path) as tab:
        tab.until("document.getElementById('candidates')?.querySelector('.xy')")
        tab.evaluate(
            "window.details = document.getElementById('sweep').closest('figure')"
            ".querySelector('details');"
            "details.open = true;"
            "window.table = details.querySelector('table');"
            "window.scrollTo({ top: 400, behavior: 'instant' });"
            "void Plotly.relayout('sweep', { 'yaxis.range': [80, 81] });"
        )
        log = TrainingLog(run / "sweep.jsonl")
        arch = zoo("efficientnet_b0").replace(resolution=260)
        labels = {**log.read()[0].labels, "alpha": 1.4}
        log.append(run_folder.training(arch, 0, 0.93, labels))
        tab.until("table.querySelectorAll('tbody tr').length === 6")
        assert tab.evaluate("details.open && details.isConnected && table.isConnected")
        assert tab.evaluate("scrollY") == 400
        assert tab.evaluate("document.getElementById('sweep').layout.yaxis.range") == [80, 81]


def test_what_appears_cannot_run_scripts(tmp_path: Path) -> None:
    evil = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>"
    run = tmp_path / "run"
    run_folder.write_search(run, 3)
    with shown(of_run(run, COMPOUND), tmp_path) as tab:
        run_folder.write_config(run, evaluator={"dataset": evil})
        tab.until("document.body.innerText.includes('window.owned = 1')")
        assert tab.evaluate("window.owned === undefined")


def test_a_page_that_is_told_of_many_trials_keeps_its_size(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_folder.write_search(run, 20)
    with shown(of_run(run, COMPOUND), tmp_path) as tab:
        sizes = []
        for round_ in range(24):
            trials = 20 + round_ % 2
            run_folder.write_search(run, trials)
            tab.until(f"document.body.innerText.includes('{trials} finished')")
            sizes.append(tab.collect_garbage())
        nodes = tab.evaluate("document.querySelectorAll('*').length")
        assert max(sizes[12:]) < 1.1 * max(sizes[:12])
        assert nodes == tab.evaluate("document.querySelectorAll('*').length")
