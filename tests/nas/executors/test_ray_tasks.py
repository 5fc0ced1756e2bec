"""A search on a Ray cluster: both nodes work, and losing one loses nothing."""

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import ray

from nas.data.sources import Digits, Splits
from nas.evaluators.base import Measurement, Report
from nas.evaluators.proxy import ProxyEvaluator
from nas.executors.base import Job
from nas.executors.local import InProcess
from nas.executors.ray_cluster import RaySettings
from nas.executors.ray_tasks import RayTasks
from nas.executors.ray_tune.executor import RayTune
from nas.runs.storage import SqliteFile
from nas.runs.study import StudyStore
from nas.samplers.optuna import OptunaSampler
from nas.searches.confirmation import Confirmation
from nas.searches.loop import Search, SearchSettings
from nas.searches.rewards import Soft
from nas.trainings.engine import LabelledArch, Trainings, train
from nas.trainings.log import TrainingLog
from nas.trainings.strategies import FlatGrid
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.space import load_space
from search_spaces.stage import Stage
from search_spaces.zoo import zoo
from toy import Toy, wait_until

SPACE = load_space(
    {"name": "s", "base": "efficientnet_b0", "vary": {"kernel": [3, 5, 7], "expand": [3, 6]}},
    "space",
)


@dataclass(frozen=True, kw_only=True)
class Where(Toy):
    """Leaves the node it ran on in a diary."""

    diary: str
    dies: str = ""
    """A file; a worker that finds it missing makes it and is killed."""
    nodes: int = 1
    """Nodes that are to have begun an evaluation before one ends, however late a worker starts."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        if self.dies and not Path(self.dies).exists():
            Path(self.dies).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with Path(self.diary).open("a") as file:
            file.write(f"{ray.get_runtime_context().get_node_id()} {arch.key()}\n")
        wait_until(lambda: len(nodes_of(self.diary)) >= self.nodes)
        return super().evaluate(arch, seed, report)


def nodes_of(diary: str) -> set[str]:
    path = Path(diary)
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.split()[0] for line in lines}


def search(folder: Path, trials: int, confirm: int = 0) -> Search:
    return Search(
        space=SPACE,
        sampler=OptunaSampler(sampler="optuna.samplers.RandomSampler"),
        reward=Soft(target=400e6),
        settings=SearchSettings(trials=trials, confirm=confirm),
        store=StudyStore(SqliteFile(folder / "study.db"), "s", ("maximize",)),
        progress=lambda records, finished: None,
    )


def test_both_nodes_work_and_the_loss_of_one_costs_no_trial(two_nodes, tmp_path: Path) -> None:
    third = two_nodes.add_node(num_cpus=1)
    evaluator = Where(diary=str(tmp_path / "diary"), seconds=0.3, nodes=3)

    def lose_a_node() -> None:
        wait_until(lambda: third.node_id in nodes_of(evaluator.diary))
        two_nodes.remove_node(third, allow_graceful=False)

    loss = threading.Thread(target=lose_a_node)
    loss.start()
    settings = RaySettings(address=two_nodes.address)
    records = search(tmp_path, 30).run(lambda: RayTasks(evaluator, settings))
    loss.join()
    assert len(records) == len({record.key for record in records}) == 30
    assert {record.state for record in records} == {"finished"}
    assert len(nodes_of(evaluator.diary)) == 3
    (tmp_path / "alone").mkdir()
    toy = Toy()
    alone = search(tmp_path / "alone", 30).run(lambda: InProcess(toy))
    both = {r.key: r.accuracy for r in records}
    assert all(both[r.key] == r.accuracy for r in alone if r.key in both)


def test_a_job_whose_worker_is_killed_is_begun_anew(two_nodes, tmp_path: Path) -> None:
    evaluator = Where(diary=str(tmp_path / "diary"), dies=str(tmp_path / "died"))
    with RayTasks(evaluator, RaySettings(address=two_nodes.address)) as tasks:
        tasks.submit(Job(7, zoo("efficientnet_b0"), (0,)))
        outcome = tasks.next()
    assert (outcome.number, outcome.reason) == (7, "")
    assert (
        outcome.measurements[0].accuracy
        == Toy().evaluate(zoo("efficientnet_b0"), 0, lambda e, a: None).accuracy
    )


def test_the_best_of_a_search_are_confirmed_once_each_though_a_worker_is_killed(
    two_nodes, tmp_path: Path
) -> None:
    of = search(tmp_path, 6, confirm=3)
    records = of.run(lambda: InProcess(Toy()))
    alone = Where(diary=str(tmp_path / "diary"), dies=str(tmp_path / "died"))
    confirmation = Confirmation(of, alone, TrainingLog(tmp_path / "confirmation.jsonl"))
    settings = RaySettings(address=two_nodes.address)
    told: list[int] = []
    confirmation.run(
        records,
        lambda: RayTasks(alone, settings),
        lambda trained, done, total, left: told.append(done),
    )
    assert told == [1, 2, 3]
    lines = (tmp_path / "confirmation.jsonl").read_bytes().splitlines()
    keys = sorted(trained.key for trained in confirmation.log.read())
    assert len(lines) == 3
    assert keys == sorted(record.key for record in confirmation.chosen(records))


@dataclass(frozen=True, kw_only=True)
class Watched(Digits):
    """Leaves the process that reads it in a diary."""

    diary: str

    def open(self) -> Splits:
        with Path(self.diary).open("a") as file:
            file.write(f"{os.getpid()}\n")
        return super().open()


def test_data_is_read_once_for_all_workers(two_nodes, tmp_path: Path) -> None:
    evaluator = ProxyEvaluator(
        data=Watched(limit=200, diary=str(tmp_path / "diary")),
        epochs=1,
        resolution=16,
        base_resolution=64,
        device="cpu",
    )
    stages = (Stage(channels=32, stride=2),)
    archs = [Arch(name="a", resolution=side, stages=stages) for side in (64, 96)]
    settings, outcomes = RaySettings(address=two_nodes.address, workers=1), []
    with RayTasks(evaluator, settings) as tasks:
        for number, arch in enumerate(archs):
            tasks.submit(Job(number, arch, (0,)))
            outcomes.append(tasks.next())
    networks = [LabelledArch(arch, {}) for arch in archs]
    trainings = Trainings.on_record(networks, TrainingLog(tmp_path / "sweep.jsonl"))
    train(trainings, FlatGrid(2, (0,)), evaluator, lambda: RayTune(evaluator, settings))
    found = [evaluator.evaluate(arch, 0, lambda epoch, accuracy: None).accuracy for arch in archs]
    assert [outcome.measurements[0].accuracy for outcome in outcomes] == found
    assert [trainings.accuracies[index][0] for index in (0, 1)] == found
    assert set((tmp_path / "diary").read_text().split()) == {str(os.getpid())}


@dataclass(frozen=True, kw_only=True)
class Deadly(Toy):
    """Kills every worker it runs on."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")


def test_a_job_that_kills_its_workers_fails_with_its_reason(two_nodes) -> None:
    with RayTasks(Deadly(), RaySettings(address=two_nodes.address)) as tasks:
        tasks.submit(Job(3, zoo("efficientnet_b0"), (0,)))
        outcome = tasks.next()
    assert outcome.number == 3
    assert outcome.lost
    assert "worker was lost 3 times" in outcome.reason


class Unloadable(Toy):
    """Cannot be unpickled, as a class that workers cannot import."""

    def __reduce__(self) -> tuple[object, ...]:
        return _unload, ()


def _unload() -> None:
    raise ImportError("No module named 'mine'")


def test_an_evaluator_that_workers_cannot_load_is_a_mistake(two_nodes) -> None:
    with RayTasks(Unloadable(), RaySettings(address=two_nodes.address)) as tasks:
        tasks.submit(Job(0, zoo("efficientnet_b0"), (0,)))
        outcome = tasks.next()
    assert outcome.mistake.startswith("evaluator: a worker cannot load it: ")
    assert "No module named 'mine'" in outcome.mistake


class Holding(Toy):
    """Holds what lives in one process alone."""

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("cannot pickle an open file\nor so")


def test_an_evaluator_that_cannot_be_sent_is_a_mistake_on_one_line(two_nodes) -> None:
    with (
        pytest.raises(UserError, match=r"^evaluator: cannot be sent to a worker process: .+$"),
        RayTasks(Holding(), RaySettings(address=two_nodes.address)),
    ):
        pass
    assert not ray.is_initialized()


@dataclass(frozen=True, kw_only=True)
class Patient(Toy):
    """Takes until it is ended."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        time.sleep(600)
        raise AssertionError("unreachable")


def test_what_ray_ends_for_want_of_memory_is_tried_thrice_then_failed(
    two_nodes, monkeypatch, tmp_path: Path
) -> None:
    # A node that counts as full from the start, and a training that only runs there.
    with monkeypatch.context() as tight:
        tight.setenv("RAY_memory_usage_threshold", "0.0001")
        node = two_nodes.add_node(num_cpus=1, resources={"tight": 1})
    settings = RaySettings(address=two_nodes.address, resources={"tight": 1})
    with RayTasks(Patient(), settings) as tasks:
        tasks.submit(Job(3, zoo("efficientnet_b0"), (0,)))
        reason = tasks.next().reason
    network = LabelledArch(zoo("efficientnet_b0"), {})
    trainings = Trainings.on_record([network], TrainingLog(tmp_path / "sweep.jsonl"))
    train(trainings, FlatGrid(1, (0,)), Patient(), lambda: RayTune(Patient(), settings))
    two_nodes.remove_node(node)
    assert reason.startswith("its worker was lost 3 times: ")
    assert trainings.failures[0].startswith("seed 0: its worker died 3 times: ")
    for each in (reason, trainings.failures[0]):
        assert "running low on memory" in each


def test_jobs_have_the_custom_resources_they_ask_for(two_nodes) -> None:
    asking = RayTasks(Toy(), RaySettings(address=two_nodes.address, resources={"abacus": 2}))
    with pytest.raises(UserError, match=r"a training needs 1 CPU and 2 abacus each"):
        asking.__enter__()
    for name in ("GPU", "memory"):
        with pytest.raises(UserError, match=rf"^resources\.{name}: not a custom resource"):
            RaySettings(resources={name: 1})
    with pytest.raises(UserError, match=r"^resources\.large: expected a number of at least 0"):
        RaySettings(resources={"large": -1})
