"""A whole training on a Ray cluster, by Ray Train: processes side by side, begun anew when lost."""

import logging
import os
import pickle
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nas.evaluators.faults import first_line
from nas.executors.child_processes import packed, removed_at_last
from nas.executors.ray_cluster import Cluster, RaySettings, ray_cluster
from nas.executors.ray_mailbox import open_mailbox
from nas.networks.trained import WEIGHTS, Card, read_card
from nas.training.plan import Plan
from nas.training.processes import (
    Processes,
    ProcessLost,
    ToldByFirst,
    backend,
    check_group,
    told_in_a_line,
)
from nas.training.train import Progress, Unheard, Watch, train
from search_spaces.errors import CommandFailed, UserError

if TYPE_CHECKING:
    from ray.train.torch import TorchTrainer

_ENVIRONMENT = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths stay what they are
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "300",  # a busy machine imports torch slowly
}
_STARTS = 3
"""Times that workers may fail to start, however few may be lost."""
_WAIT = 0.5
"""Seconds between looks at what the workers say."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """A worker says what ended the training, which another start would not change."""

    error: bytes


def train_with_ray(
    settings: RaySettings, max_failures: int, plan: Plan, folder: Path, watch: Watch
) -> Card:
    """Train as `nas.training.train.train` does, with a process on each of Ray's workers.

    The first of them reads and writes the folder, which all nodes have to see. Where a worker is
    lost, all begin anew from the checkpoint, at most `max_failures` times. Raises UserError for
    what the cluster does not have, CommandFailed where workers are lost too often, ConnectionError
    where the cluster is; and what the training itself raises.
    """
    if str(settings.address).startswith("ray://"):
        raise UserError(
            f"ray.address: {settings.address}: a training's driver runs on a node of the cluster: "
            f"start it there, with ray.address=auto"
        )
    # Workers stand in folders of their own.
    folder = folder.absolute()
    plan = replace(plan, start=plan.start and plan.start.absolute())
    os.environ.update(_ENVIRONMENT)
    # It is a process of its own, and nobody takes this machine away from a cluster of ours.
    os.environ["RAY_TRAIN_ENABLE_PREEMPTION_WATCHER"] = "0" if settings.is_local else "1"
    # What Ray writes is removed once nobody writes it any more.
    with _scratch(folder) as scratch, ray_cluster(settings) as cluster:
        check_group(
            cluster.workers, plan.smallest_batch, plan.recipe.sync_batch_norm, plan.device
        )  # by now their number is known
        watch.say(f"{cluster.workers} processes of Ray's train together")
        mailbox = open_mailbox()
        work = _work(packed((plan, folder), "data"), mailbox)
        trainer = _trainer(work, settings, cluster.workers, max_failures, scratch, plan.device)
        _followed(trainer, mailbox, cluster, watch)
    return read_card(folder / WEIGHTS)


def _trainer(
    work: Callable[[], None],
    settings: RaySettings,
    workers: int,
    max_failures: int,
    scratch: Path,
    device: torch.device,
) -> "TorchTrainer":
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    for noisy in ("ray", "ray.train"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    return TorchTrainer(
        work,
        torch_config=TorchConfig(backend=backend(device)),
        scaling_config=ScalingConfig(
            num_workers=workers,
            use_gpu=device.type == "cuda",
            resources_per_worker=settings.share,
        ),
        run_config=RunConfig(
            name="training",
            storage_path=str(scratch),
            failure_config=FailureConfig(  # type: ignore[call-arg]
                max_failures=max_failures,
                # A worker that is lost while it starts is lost like any other.
                controller_failure_limit=max(_STARTS, max_failures),
            ),
        ),
    )


def _followed(trainer: "TorchTrainer", mailbox: Any, cluster: Cluster, watch: Watch) -> None:
    """Run the training to its end, and tell what its workers say of it."""
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def fit() -> None:
        try:
            trainer.fit()
        except BaseException as error:  # raised where the training is followed
            ended.put(error)
        else:
            ended.put(None)

    # In the main thread, Ray Train would take Ctrl-C for itself.
    threading.Thread(target=fit, name="ray-train", daemon=True).start()
    while True:
        try:
            error = ended.get(timeout=_WAIT)
        except queue.Empty:
            cluster.watch.check()
            _tell(mailbox, watch)
            continue
        cluster.watch.check()
        _tell(mailbox, watch)
        if error is not None:
            raise _told(error) from None
        return


def _told(error: BaseException) -> BaseException:
    from ray.train import TrainingFailedError

    if not isinstance(error, TrainingFailedError):
        return error
    reasons = list(getattr(error, "worker_failures", {}).values())
    if not reasons:
        cause = first_line(getattr(error, "controller_failure", error))
        return CommandFailed(f"ray: the training's workers cannot be started: {cause}")
    return CommandFailed(
        f"ray: the training's workers were lost too often (max_failures), last: "
        f"{first_line(reasons[0])}; the same command goes on from the checkpoint"
    )


def _tell(mailbox: Any, watch: Watch) -> None:
    """Tell what has arrived. Raises what a worker says ended the training."""
    import ray
    from ray.exceptions import RayError

    try:
        letters = ray.get(mailbox.take.remote(), timeout=60)
    except RayError:  # of a cluster that is lost, which the watch tells, or that is busy
        return
    for letter in map(pickle.loads, letters):
        if isinstance(letter, _Failed):
            raise pickle.loads(letter.error)
        if isinstance(letter, Progress):
            watch.progress(letter)
        else:
            watch.say(letter)


@dataclass(frozen=True, slots=True)
class _Sender:
    """Tells the driver, from the first worker, how the training goes."""

    mailbox: Any

    def progress(self, now: Progress) -> None:
        self.mailbox.put.remote(pickle.dumps(now), passing=now.row is None)

    def say(self, line: str) -> None:
        self.mailbox.put.remote(pickle.dumps(line))


def _work(asked: bytes, mailbox: Any) -> Callable[[], None]:
    """What each worker does, as Ray Train wants it: a function that can be sent."""

    def work() -> None:
        train_as_worker(asked, mailbox)

    return work


def train_as_worker(asked: bytes, mailbox: Any) -> None:
    """In a worker: train a packed plan in a packed folder, with the other workers."""
    import cloudpickle
    import ray
    from ray.train.torch import get_device

    group = Processes.joined()
    try:
        plan, folder = pickle.loads(asked)
        if plan.device.type == "cuda":
            plan = replace(plan, device=get_device())
        with told_in_a_line(group.rank, group.ranks):
            train(plan, folder, _Sender(mailbox) if group.rank == 0 else Unheard(), group)
    except (ProcessLost, ToldByFirst):
        raise  # to begin anew, or to be told by another
    except Exception as error:
        try:
            letter = _Failed(cloudpickle.dumps(error))
        except Exception:  # it holds what cannot be sent
            letter = _Failed(cloudpickle.dumps(CommandFailed(first_line(error))))
        ray.get(mailbox.put.remote(pickle.dumps(letter)))
        raise


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Make a folder, where all nodes see it, for what Ray Train insists on writing; remove it."""
    scratch = Path(tempfile.mkdtemp(prefix=".ray-", dir=folder))
    with removed_at_last(scratch):
        yield scratch
