"""The engine of trainings: whatever they run on, they are done once and leave the same records."""

import json
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import pytest

from nas.cli import main
from nas.executors.base import Executor
from nas.executors.local import InProcess, Processes
from nas.executors.ray_cluster import RaySettings
from nas.executors.ray_tasks import RayTasks
from nas.executors.ray_tune.executor import RayTune
from nas.trainings.engine import LabelledArch, Trainings, train
from nas.trainings.log import TrainingLog
from nas.trainings.strategies import FlatGrid, Race
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.zoo import zoo
from toy import Toy

NETWORKS = [
    LabelledArch(zoo(name), {"number": number})
    for number, name in enumerate(("efficientnet_b0", "mobilenet_v2", "resnet50", "mnasnet_a1"))
]
TOY = Toy(noise=0.1, fail_every=3)
KINDS = ["in process", "processes", "ray", "ray tune"]


def workers(kind: str, request: pytest.FixtureRequest) -> Callable[[], Executor]:
    """An executor of one worker."""
    if kind == "in process":
        return lambda: InProcess(TOY)
    if kind == "processes":
        return lambda: Processes(TOY, 1)
    address = request.getfixturevalue("two_nodes").address
    settings = RaySettings(address=address, workers=1)
    return lambda: RayTasks(TOY, settings) if kind == "ray" else RayTune(TOY, settings)


def recorded(log: Path) -> list[dict[str, Any]]:
    """What is on record, without what depends on the hour."""
    timed = ("seconds", "processor_seconds")
    lines = map(json.loads, log.read_text().splitlines())
    return [{name: value for name, value in line.items() if name not in timed} for line in lines]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    log = tmp_path_factory.mktemp("expected") / "sweep.jsonl"
    train(Trainings.on_record(NETWORKS, TrainingLog(log)), RACE, TOY, lambda: InProcess(TOY))
    return recorded(log)


RACE = Race(tuple(range(len(NETWORKS))), 0, 10)


@pytest.mark.parametrize("kind", KINDS)
def test_every_executor_leaves_the_same_records(
    kind: str, expected: list[dict[str, Any]], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    log = TrainingLog(tmp_path / "sweep.jsonl")
    told = []
    trainings = Trainings.on_record(NETWORKS, log)
    train(trainings, RACE, TOY, workers(kind, request), told.append)
    assert recorded(log.path) == expected
    assert told == log.read() == list(trainings.records.values())
    assert {record.state for record in told} == {"finished", "failed"}


def test_half_of_the_records_are_completed_by_another_executor(
    expected: list[dict[str, Any]], tmp_path: Path
) -> None:
    log = TrainingLog(tmp_path / "sweep.jsonl")
    train(Trainings.on_record(NETWORKS, log), RACE, TOY, lambda: InProcess(TOY))
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:5]) + lines[5][:30])
    train(Trainings.on_record(NETWORKS, log), RACE, TOY, lambda: Processes(TOY, 1))
    assert recorded(log.path) == expected


def test_nothing_is_started_where_nothing_is_missing(tmp_path: Path) -> None:
    def unwanted() -> Executor:
        raise AssertionError("a worker was started")

    log = TrainingLog(tmp_path / "sweep.jsonl")
    flat = FlatGrid(len(NETWORKS), (0,))
    train(Trainings.on_record(NETWORKS, log), flat, TOY, lambda: InProcess(TOY))
    train(Trainings.on_record(NETWORKS, log), flat, TOY, unwanted)


SWEEP = [
    "sweep", "baseline=efficientnet_b0", "run=r", "evaluator=custom", "evaluator._target_=toy.Toy",
    "+evaluator.noise=0.1", "sweep=grid", "sweep.step=0.1", "sweep.seeds=1",
]  # fmt: skip


def test_a_sweep_runs_on_the_executor_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_nodes: Any
) -> None:
    logs = []
    for kind in ("local", "ray", "ray_tune"):
        (tmp_path / kind).mkdir()
        monkeypatch.chdir(tmp_path / kind)
        main([*SWEEP, f"executor={kind}", "workers=1", f"ray.address={two_nodes.address}"])
        logs.append(recorded(Path("r/sweep.jsonl")))
    assert len(logs[0]) == 13
    assert logs[0] == logs[1] == logs[2]


def test_trainings_are_ended_early_under_ray_tune_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in ("local", "ray"):
        with pytest.raises(SystemExit) as stopped:
            main([*SWEEP, f"executor={kind}", "sweep.asha=1"])
        assert stopped.value.code == 2
        assert capsys.readouterr().err == (
            "nas-search: sweep.asha: 1: only executor=ray_tune ends trainings early, got "
            f"executor={kind}\n"
        )
    assert list(tmp_path.iterdir()) == []


def test_data_that_cannot_be_read_end_the_trainings_under_ray_tune(
    tmp_path: Path, two_nodes: Any
) -> None:
    class Missing(Toy):
        def data_key(self, arch: Arch) -> str:
            return "images"

        def load_data(self, key: Hashable) -> Any:
            raise UserError("data.path: no images")

    evaluator, settings = Missing(), RaySettings(address=two_nodes.address)
    trainings = Trainings.on_record(NETWORKS, TrainingLog(tmp_path / "sweep.jsonl"))
    with pytest.raises(UserError, match=r"^data\.path: no images$"):
        train(trainings, RACE, evaluator, lambda: RayTune(evaluator, settings))
    assert not trainings.log.path.exists()
