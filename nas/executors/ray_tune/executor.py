"""Evaluations as trials of Ray Tune, on warm workers that may be ended early."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from nas.evaluators.base import Evaluator
from nas.executors.base import Job, Outcome
from nas.executors.child_processes import removed_at_last
from nas.executors.ray_address import Watch
from nas.executors.ray_cluster import RaySettings, ray_cluster
from nas.executors.ray_data import SharedData, stored
from nas.executors.ray_tune.relay import Ended, Relay
from search_spaces.errors import UserError

if TYPE_CHECKING:
    from ray.tune import Tuner

_PATIENCE = 5.0
"""Seconds that Tune has to let go of what it does when it is ended."""


@dataclass(slots=True)
class RayTune:
    """Evaluates as many jobs side by side as the cluster holds, or as the settings ask for.

    Workers keep their evaluator, with its data, from one job to the next. Nothing of Tune's is
    left on disk, even where the process is killed: the records are the state.

    Tune wants to be the one that decides what runs next, in a call that returns when all is done.
    It makes that call in a thread of its own, which waits while the caller decides: at each
    moment, one of both is at work.
    """

    evaluator: Evaluator
    settings: RaySettings
    asha: int | None = None
    """Epochs after which a job in the lower two thirds of those that came as far is ended, and
    again after three times as many, and so on (asynchronous successive halving); None for never."""
    workers: int = 0
    """Known once entered."""
    _resources: ExitStack = field(default_factory=ExitStack)
    _watch: Watch | None = None
    _relay: Relay = field(default_factory=Relay)
    _thread: Thread | None = None
    _tuner: "Tuner | None" = None

    def __enter__(self) -> Self:
        if str(self.settings.address).startswith("ray://"):
            # There Tune and its hooks run on the head node, which would write records of its own.
            raise UserError(
                f"ray.address: {self.settings.address}: Ray Tune's driver runs on a node of the "
                f"cluster: start it there, with ray.address=auto"
            )
        cluster = self._resources.enter_context(ray_cluster(self.settings))
        try:
            self.workers, self._watch = cluster.workers, cluster.watch
            self._tuner = self._make(self._resources.enter_context(_scratch()))
        except BaseException:
            self._resources.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._relay.end(at_once=error is not None)
        if self._thread is not None:
            self._thread.join(_PATIENCE if error is not None else None)
        self._resources.close()

    def submit(self, job: Job) -> None:
        self._relay.submit(job)

    def next(self) -> Outcome:
        if self._thread is None:
            self._thread = Thread(target=self._run, name="ray-tune", daemon=True)
            self._thread.start()
        self._relay.proceed()
        while True:
            outcome = self._relay.outcome(timeout=1)
            if outcome is not None:
                return outcome
            if self._watch is not None:
                self._watch.check()

    def _run(self) -> None:
        from nas.executors.ray_tune.patches import survive_losses

        assert self._tuner is not None
        try:
            with survive_losses():
                self._tuner.fit()
            self._relay.stopped(RuntimeError("Ray Tune ended before its jobs did"))
        except Ended:
            return
        except BaseException as error:  # raised again where outcomes are waited for
            self._relay.stopped(error)

    def _make(self, scratch: Path) -> "Tuner":
        from ray import tune

        from nas.executors.ray_tune.hooks import RETRIES, JobQueue, Recorder, Stop, scheduler
        from nas.executors.ray_tune.worker import EpochwiseTraining, Training

        worker = Training if self.asha is None else EpochwiseTraining
        # In a tuple, as Tune stores parameters, and Ray stores no reference as it is.
        trainable = tune.with_parameters(worker, evaluator=(stored(self.evaluator),))
        for noisy in ("ray", "ray.tune"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        return tune.Tuner(
            tune.with_resources(trainable, self.settings.share),
            tune_config=tune.TuneConfig(
                search_alg=JobQueue(self._relay, SharedData(self.evaluator)),
                scheduler=scheduler(self.asha),
                num_samples=-1,
                max_concurrent_trials=self.workers,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                storage_path=str(scratch),
                name="jobs",
                verbose=0,
                stop=Stop(self._relay),
                callbacks=[Recorder(self._relay)],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )


@contextmanager
def _scratch() -> Iterator[Path]:
    """Make a folder for what Ray Tune insists on writing, and remove it in the end.

    It is not the run's folder, which other nodes may see too.
    """
    folder = Path(tempfile.mkdtemp(prefix="nas-search-tune-"))
    with removed_at_last(folder):
        yield folder
