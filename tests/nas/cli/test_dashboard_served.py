"""`nas-search dashboard` and `serve=true`: which run is drawn, where it is served, what is said."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

import run_folder
from nas.cli import main
from nas.dashboard.comparison import differing, labels
from nas.dashboard.server.addresses import bound

TOY = ("evaluator=custom", "evaluator._target_=toy.Toy", "sampler=random", "search.workers=1")
TESTS = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(TESTS))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (TESTS.parent, TESTS))))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line of a mistake."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_the_run_of_the_current_folder_is_drawn_though_it_is_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["search", *TOY, "run=run", "search.trials=3"])
    for name in ("trials.csv", "baseline.yaml"):  # as a search that was killed leaves it
        (tmp_path / "run" / name).unlink()
    monkeypatch.chdir(tmp_path / "run")
    capsys.readouterr()
    main(["dashboard"])
    assert capsys.readouterr().out == "written to dashboard.html\n"
    assert "3 finished" in (tmp_path / "run" / "dashboard.html").read_text("utf-8")


def test_a_folder_that_runs_lie_in_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    assert ".: no run here, expected a log (study.db" in refused(capsys, "dashboard")
    for name in ("pets", "my birds"):
        main(["search", *TOY, f"run=results/{name}", "search.trials=1"])
    capsys.readouterr()
    said = refused(capsys, "dashboard")
    assert said.endswith(
        ".: no run here; nas-search dashboard 'results/my birds' would draw one, and 1 more like it"
    )
    assert refused(capsys, "dashboard", "--serve") == said


def test_settings_that_serve_nothing_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    run_folder.write_search(Path("run"), 3)
    assert "give serve=true too" in refused(capsys, "search", *TOY, "run=r", "serve.port=9000")
    assert "serve.port: " in refused(capsys, "dashboard", "run", "--serve", "serve.port=70000")
    assert "serve.port: " in refused(capsys, "search", *TOY, "serve=true", "serve.port=x")
    assert "serve.host: 'no.invalid'" in refused(
        capsys, "dashboard", "run", "--serve", "serve.host=no.invalid"
    )
    assert "out: " in refused(capsys, "dashboard", "run", "out=page.html")


def test_a_run_is_not_held_beside_itself(capsys: pytest.CaptureFixture[str]) -> None:
    run_folder.write_search(Path("run"), 3)
    for again in ("run", "./run/", str(Path("run").resolve())):
        line = refused(capsys, "dashboard", "run", again, "--out", "page.html")
        assert "given twice" in line
    assert not Path("page.html").exists()


def test_a_page_of_several_runs_is_written_into_a_folder_that_is_yet_to_be_made() -> None:
    for name in ("a", "b"):
        run_folder.write_search(Path(name), 3)
    main(["dashboard", "a", "b", "--out", "new/pages/both.html"])
    assert "2 runs side by side." in Path("new/pages/both.html").read_text("utf-8")


def test_runs_side_by_side_show_what_differs() -> None:
    for name, seed in (("a", 0), ("b", 1)):
        main(["search", *TOY, f"run={name}", f"search.seed={seed}", "search.trials=4"])
    main(["dashboard", "a", "b"])
    page = Path("comparison.html").read_text("utf-8")
    assert "2 runs side by side." in page
    assert "Proxy accuracy, of all alike: toy, 1 seed." in page
    assert '<td class="word">search.search.seed</td><td class="word">0</td>' in page
    assert "search.search.seeds<" not in page
    assert not Path("a/dashboard.html").exists()
    main(["dashboard", "a", "b", "--out", "pages.html"])
    assert Path("pages.html").read_text("utf-8") == page


def test_runs_of_different_data_are_not_compared_in_silence(tmp_path: Path) -> None:
    for name, data in (("a", "digits"), ("b", "pets")):
        run_folder.write_search(tmp_path / name, 6)
        run_folder.write_config(tmp_path / name, evaluator={"dataset": data})
    main(["dashboard", "a", "b"])
    page = Path("comparison.html").read_text("utf-8")
    assert "The accuracies are not of the same proxy, and do not compare. a: digits" in page


def test_a_stage_that_one_run_has_differs_from_nothing() -> None:
    one = {"study": "a", "search": {"asked": {"trials": 3}, "space": {"name": "x", "base": 1}}}
    other = {"study": "b", "search": {"space": {"name": "x"}}, "sweep": {"phi": 1}}
    assert differing([one, other]) == [["search.space.base", "1", "–"]]
    assert differing([one, {"search": 3}]) == []


def test_runs_are_told_apart_by_as_much_of_their_paths_as_it_takes() -> None:
    assert labels([Path("/x/a"), Path("/x/b")]) == ["a", "b"]
    assert labels([Path("/x/a/run"), Path("/x/b/run")]) == ["a/run", "b/run"]
    assert labels([Path("/x/a"), Path("/x/a")]) == ["/x/a", "/x/a"]


def test_a_search_tells_its_address_first_and_its_end_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        main(["search", *TOY, "run=run", "search.trials=2", "--serve", f"serve.port={port}"])
    first, *others = capsys.readouterr().err.strip().splitlines()
    assert first.startswith("live page: http://127.0.0.1:")
    assert int(first.split(":")[3].partition("/")[0]) > port
    assert "live page: ended; nas-search dashboard run --serve shows the run again" in others


def test_a_run_that_no_page_can_be_served_of_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", *TOY, "run=run", "search.trials=2", "serve=true", "serve.host=192.0.2.7"])
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("live page: not served: serve.host: '192.0.2.7'")
    assert first.endswith("the run goes on without it")
    assert Path("run/baseline.yaml").exists()


def test_another_host_is_given_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    host = ("serve=true", "serve.host=0.0.0.0", "serve.port=0")
    main(["search", *TOY, "run=run", "search.trials=1", *host])
    first = capsys.readouterr().err.splitlines()[0]
    assert "/?token=" in first


def test_a_served_page_ends_with_ctrl_c() -> None:
    run_folder.write_search(Path("run"), 3)
    command = [sys.executable, "-m", "nas.cli", "dashboard", "run", "--serve", "serve.port=0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        # A shell's background jobs, and all that they start, ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("live page: http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    assert not Path("run/dashboard.html").exists()


def test_optunas_own_dashboard_is_told_when_trials_began_and_ended() -> None:
    # optuna-dashboard reads the study as Optuna does, and draws the same timeline.
    slow = ("+evaluator.seconds=0.05", "+evaluator.fail_every=2")
    main(["search", *TOY, "run=run", "search.trials=6", *slow])
    study = optuna.load_study(study_name=None, storage="sqlite:///run/study.db")
    states = {trial.state.name for trial in study.trials}
    assert states == {"COMPLETE", "FAIL"}
    for trial in study.trials:
        assert trial.datetime_start is not None
        assert trial.datetime_complete is not None
        assert trial.state.name == "FAIL" or trial.duration.total_seconds() >= 0.05
    timeline = optuna.visualization.plot_timeline(study)
    assert sum(len(bars.y) for bars in timeline.data) == len(study.trials)
