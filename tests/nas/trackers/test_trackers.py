"""Trackers are told what is on record, each thing once, and never get in the way of a run."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from event_files import events, offline_history, scalars, texts
from nas.cli import main
from nas.runs.folder import RunFolder
from nas.runs.study import recorded
from nas.trackers.event_file import EventFile
from quick import SMALL
from search_spaces.yaml_io import write_arch
from toy import wait_until

TOY = ["evaluator=custom", "evaluator._target_=toy.Toy", "search.workers=1", "run=r"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def search(trials: int, *overrides: str) -> None:
    main(["search", *TOY, f"search.trials={trials}", *overrides])


def accuracies() -> list[tuple[int, float]]:
    return [(record.number, pytest.approx(record.accuracy)) for record in recorded(Path("r"))]


def refused(capsys: pytest.CaptureFixture[str], *overrides: str) -> str:
    """The one line of a mistake, by which nothing is left behind."""
    with pytest.raises(SystemExit) as stopped:
        search(2, *overrides)
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert printed.err.count("\n") == 1
    assert list(Path().iterdir()) == []
    return printed.err


def test_tensorboard_has_each_trial_once_however_often_the_search_goes_on() -> None:
    search(3, "tracker=tensorboard")
    for path in Path("r/tensorboard").rglob("events.*"):  # as a kill leaves them
        path.write_bytes(path.read_bytes()[:-5])
    search(5, "tracker=tensorboard")
    found = scalars(Path("r/tensorboard/search"))
    assert found["accuracy"] == accuracies()
    assert [step for step, _ in found["reward"]] == [0, 1, 2, 3, 4]
    best = [value for _, value in found["best_reward"]]
    assert best == sorted(best)
    trial = Path("r/tensorboard/search/trial_0004")
    assert scalars(trial)["epoch_accuracy"] == [(1, accuracies()[4][1])]
    assert recorded(Path("r"))[4].compact in texts(trial)
    assert "search.seed" in texts(Path("r/tensorboard/search"))


def test_values_and_names_that_event_files_have_no_form_for_stop_nothing(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    file.add(0, {"reward": 1e300, "loss": -1e39, "accuracy": 0.5})
    file.add_text("notes", "weights of /runs/\udcff/b0")
    assert scalars(tmp_path) == {
        "reward": [(0, math.inf)],
        "loss": [(0, -math.inf)],
        "accuracy": [(0, 0.5)],
    }
    assert texts(tmp_path) == "weights of /runs/\\udcff/b0"


def test_an_event_file_of_which_nothing_is_left_begins_anew(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    file.path.write_bytes(b"no event")
    assert file.last_step() == -1
    file.add(3, {"accuracy": 0.5})
    assert next(events(tmp_path)).file_version == "brain.Event:2"
    assert file.last_step() == 3


def test_mlflow_has_each_trial_once_with_its_choices_values_and_files() -> None:
    from mlflow.tracking import MlflowClient

    search(2, "tracker=mlflow")
    search(4, "tracker=mlflow")
    client = MlflowClient(tracking_uri=f"sqlite:///{Path('r/mlflow.db').absolute()}")
    experiment = client.get_experiment_by_name("nas-search")
    assert experiment is not None
    runs = {
        run.data.tags["nas_search.series"]: run
        for run in client.search_runs([experiment.experiment_id])
    }
    assert sorted(runs) == ["search", *(f"search/trial_{number:04}" for number in range(4))]
    whole = runs["search"]
    history = client.get_metric_history(whole.info.run_id, "accuracy")
    assert [(each.step, each.value) for each in history] == accuracies()
    assert whole.data.params["search.seeds"] == "1"
    kept = {file.path: file.file_size for file in client.list_artifacts(whole.info.run_id)}
    assert kept["baseline.yaml"] == Path("r/baseline.yaml").stat().st_size
    assert Path("r/mlflow_files").is_dir()
    trial, record = runs["search/trial_0003"], recorded(Path("r"))[3]
    assert trial.data.tags["mlflow.parentRunId"] == whole.info.run_id
    assert trial.data.metrics["cost"] == record.cost
    assert trial.data.params["key"] == record.key
    assert trial.info.status == "FINISHED"
    assert sorted(Path().iterdir()) == [Path("r")]  # nothing beside the run folder


def test_an_offline_run_of_wandb_is_whole_after_each_call() -> None:
    for trials in (2, 3):
        search(trials, "tracker=wandb")
    files = sorted(Path("r/wandb").glob("offline-run-*/*.wandb"))
    assert len({path.stem for path in files}) == 1, "the same run of W&B"
    newest = max(files, key=lambda path: path.stat().st_mtime_ns)
    steps = [row for row in offline_history(newest) if "search/accuracy" in row]
    assert [(row["search/step"], row["search/accuracy"]) for row in steps] == accuracies()


def test_a_killed_search_is_told_once_in_the_end() -> None:
    slow = ["search.trials=40", "+evaluator.seconds=0.4"]
    command = [sys.executable, "-m", "nas.cli", "search", *TOY, *slow]
    path = os.pathsep.join(map(str, (Path(__file__).parents[3], *sys.path)))
    environment = os.environ | {"PYTHONPATH": path}
    with subprocess.Popen([*command, "tracker=tensorboard"], env=environment) as running:
        wait_until(lambda: scalars(Path("r/tensorboard/search")).get("accuracy"))
        os.kill(running.pid, signal.SIGKILL)
    done = len(recorded(Path("r")))
    assert 0 < done < 40
    search(done + 1, "+evaluator.seconds=0.4", "tracker=tensorboard")
    assert scalars(Path("r/tensorboard/search"))["accuracy"] == accuracies()


def test_epochs_of_a_whole_training_are_told_with_where_its_weights_lie() -> None:
    write_arch(SMALL, "net.yaml")
    fast = ["data.limit=150", "recipe.epochs=2", "threads=1", "resolution=12"]
    main(["train", "net.yaml", "run=r", *fast, "tracker=tensorboard"])
    folder = Path("r/tensorboard/train/net")
    found = scalars(folder)
    assert [step for step, _ in found["train_loss"]] == [1, 2]
    assert set(found) >= {"lr", "train_accuracy", "minival", "seconds"}
    assert str(Path("r/trained/net/weights.safetensors").absolute()) in texts(folder)


def test_a_server_that_is_down_costs_one_line_and_no_trial(
    capsys: pytest.CaptureFixture[str],
) -> None:
    search(2, "tracker=mlflow", "tracker.uri=http://127.0.0.1:9")
    printed = capsys.readouterr()
    assert "baseline" in printed.out
    said = [line for line in printed.err.splitlines() if "tracker" in line]
    assert len(said) == 1
    assert said[0].endswith("the same command tells the tracker what is left")
    assert len(recorded(Path("r"))) == 2


def test_a_missing_package_is_told_before_anything_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for tracker, package in (("mlflow", "mlflow"), ("wandb", "wandb")):
        monkeypatch.setitem(sys.modules, package, None)
        said = refused(capsys, f"tracker={tracker}")
        assert f"{package} is not installed; pip install 'nas-search[{package}]'" in said


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["tracker=mlflow", "tracker.uri=mlruns"], "expected http://SERVER:5000 or sqlite:///FILE"),
        (["tracker=tensorboard", "tracker.folder=../events"], "expected the name of a folder"),
        (["tracker=tensorboard", "tracker.folder="], "expected the name of a folder"),
        (["tracker=wandb", "tracker.mode=ofline"], "tracker.mode"),
        (["tracker=tensorbord"], "tensorboard"),
        (["tracker=tensorboard", "search.trials=0"], "search.trials"),
    ],
)
def test_a_mistake_leaves_nothing(
    overrides: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in refused(capsys, *overrides)


def test_a_run_that_moves_is_the_same_run() -> None:
    search(2, "tracker=tensorboard")
    before = RunFolder(Path("r")).study
    Path("r").rename("elsewhere")
    assert RunFolder(Path("elsewhere")).study == before
