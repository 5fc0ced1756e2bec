"""Evaluations as Ray tasks, on this machine or on a cluster."""

import contextlib
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from nas.evaluators.base import Evaluator
from nas.evaluators.faults import first_line
from nas.executors.base import Job, Outcome, run_job_apart, unloadable
from nas.executors.ray_address import Watch
from nas.executors.ray_cluster import RaySettings, ray_cluster
from nas.executors.ray_data import SharedData, stored, supplied

_ATTEMPTS = 3
"""Times a job is begun, on whichever node has room, before it is given up as lost."""


@dataclass(slots=True)
class RayTasks:
    """Evaluates as many jobs side by side as the cluster holds, or as the settings ask for.

    Tasks, not actors: Ray keeps the processes warm between them, and a job whose node is lost
    needs no other than its own resources to be begun anew. The evaluator is stored once,
    and so is what it reads.
    """

    evaluator: Evaluator
    settings: RaySettings
    workers: int = 0
    """Known once entered."""
    _cluster: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _start: Any = None
    _evaluator: Any = None
    _shared: SharedData | None = None
    _watch: Watch | None = None
    _running: dict[Any, tuple[Job, int]] = field(default_factory=dict)
    """Jobs by task, and which attempt it is."""

    def __enter__(self) -> Self:
        cluster = self._cluster.enter_context(ray_cluster(self.settings))
        self.workers, self._watch = cluster.workers, cluster.watch
        import ray

        share = dict(self.settings.share)
        self._start = ray.remote(_run).options(
            num_cpus=share.pop("CPU", 0),
            num_gpus=share.pop("GPU", 0),
            resources=share,
            # Ray's own retries know no end where memory runs out.
            max_retries=0,
        )
        try:
            self._evaluator, self._shared = stored(self.evaluator), SharedData(self.evaluator)
        except BaseException:
            self._cluster.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import ray

        for task in self._running:
            ray.cancel(task, force=True)
        self._cluster.close()

    def submit(self, job: Job) -> None:
        self._begin(job, 1)

    def _begin(self, job: Job, attempt: int) -> None:
        data = self._shared.reference(job.arch) if self._shared else None
        self._running[self._start.remote(self._evaluator, data, job)] = (job, attempt)

    def next(self) -> Outcome:
        import ray
        from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

        while True:
            done, _ = ray.wait(list(self._running), num_returns=1, timeout=1)
            if self._watch:
                self._watch.check()
            if not done:
                continue
            (task,) = done
            job, attempt = self._running.pop(task)
            try:
                outcome: Outcome = ray.get(task)
            except RayTaskError as error:  # a class that the worker cannot import, say
                return Outcome(number=job.number, mistake=unloadable(error.cause))
            except RayError as error:
                if attempt == _ATTEMPTS:
                    reason = f"its worker was lost {attempt} times: {first_line(error)}"
                    return Outcome(number=job.number, reason=reason, lost=True)
                reductions = job.memory_reductions + isinstance(error, OutOfMemoryError)
                self._begin(replace(job, memory_reductions=reductions), attempt + 1)
            else:
                return outcome


def _run(evaluator: Evaluator, data: Any, job: Job) -> Outcome:
    return run_job_apart(supplied(evaluator, data), job)
