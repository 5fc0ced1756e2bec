"""Evaluations as Ray tasks, on this machine or on a cluster."""

import contextlib
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from nas.evaluators.base import Evaluator
from nas.executors.base import Job, Outcome, run_job
from nas.executors.ray_cluster import RaySettings, ray_cluster

_RETRIES = 2
"""Times a job is begun anew, on whichever node has room, after its worker or node was lost."""


@dataclass(slots=True)
class RayTasks:
    """As many jobs side by side as the cluster holds, or as the settings ask for.

    Tasks, not actors: Ray keeps the processes warm between them, and a job whose node is lost
    needs no other than its own resources to be begun anew. The evaluator is stored once.
    """

    evaluator: Evaluator
    settings: RaySettings
    workers: int = 0
    """Known once entered."""
    _cluster: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _start: Any = None
    _evaluator: Any = None
    _running: dict[Any, Job] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.workers = self._cluster.enter_context(ray_cluster(self.settings))
        import ray

        resources = self.settings.resources
        self._start = ray.remote(run_job).options(
            num_cpus=resources.get("cpu", 0),
            num_gpus=resources.get("gpu", 0),
            max_retries=_RETRIES,
        )
        self._evaluator = ray.put(self.evaluator)
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
        self._running[self._start.remote(self._evaluator, job)] = job

    def next(self) -> Outcome:
        import ray
        from ray.exceptions import RayError

        (task,), _ = ray.wait(list(self._running), num_returns=1)
        job = self._running.pop(task)
        try:
            outcome: Outcome = ray.get(task)
        except RayError as error:
            lost = (str(error).strip().splitlines() or ["no reason given"])[0]
            reason = f"its worker was lost {_RETRIES + 1} times: {lost}"
            return Outcome(number=job.number, reason=reason)
        return outcome
