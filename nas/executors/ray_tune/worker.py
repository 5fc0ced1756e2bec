"""What a Ray Tune worker does: one training after another, with an evaluator that stays warm."""

import queue
import threading
from collections.abc import Callable
from typing import Any

import ray
from ray import tune

from nas.evaluators.base import Evaluator, Report
from nas.executors.base import Job, Outcome, run_job_apart, unloadable
from nas.executors.ray_data import supplied


class Training(tune.Trainable):
    """One training a step; the actor is reset, not restarted, for the next."""

    def setup(  # type: ignore[override]
        self, config: dict[str, Any], evaluator: "tuple[ray.ObjectRef[Evaluator]]"
    ) -> None:
        self.config = config
        (self.reference,) = evaluator
        self.evaluator: Evaluator | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.config = new_config
        return True

    def step(self) -> dict[str, Any]:
        try:
            evaluator = self._evaluator()
        except Exception as error:  # a class that this worker cannot import, say
            outcome = Outcome(number=self.job.number, mistake=unloadable(error))
            return {"outcome": outcome, "done": True}
        return self.advance(evaluator)

    def _evaluator(self) -> Evaluator:
        if self.evaluator is None:
            self.evaluator = ray.get(self.reference)
        data = self.config["data"]
        return self.evaluator if data is None else supplied(self.evaluator, ray.get(data))

    def advance(self, evaluator: Evaluator) -> dict[str, Any]:
        """All of the training."""
        return {"outcome": run_job_apart(evaluator, self.job), "done": True}

    @property
    def job(self) -> Job:
        job: Job = self.config["job"]
        return job


class EpochwiseTraining(Training):
    """An epoch a step, so that a scheduler may end the training between two of them."""

    thread: "_Steps | None" = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        return super().reset_config(new_config)

    def cleanup(self) -> None:
        if self.thread is not None:
            self.thread.abandon()
        self.thread = None

    def advance(self, evaluator: Evaluator) -> dict[str, Any]:
        """Up to the end of an epoch, or of the training."""
        if self.thread is None:
            job = self.job
            self.thread = _Steps(lambda report: run_job_apart(evaluator, job, report))
        return self.thread.next()


class _Abandoned(Exception):
    """Raised inside of a training that nobody waits for any more."""


class _Steps:
    """A training in a thread of its own, halted after every epoch but the last."""

    def __init__(self, train: Callable[[Report], Outcome]) -> None:
        self._train = train
        self._results: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._go = threading.Semaphore(0)
        self._abandoned = False
        self._held: dict[str, Any] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def next(self) -> dict[str, Any]:
        self._go.release()
        return self._results.get()

    def abandon(self) -> None:
        self._abandoned = True
        self._go.release()
        self._thread.join()

    def _run(self) -> None:
        self._go.acquire()
        if not self._abandoned:
            self._results.put({"outcome": self._train(self._report), "done": True})

    def _report(self, epoch: int, accuracy: float) -> None:
        # Told one epoch late: once the last is over, the outcome is all that is left to tell.
        held, self._held = self._held, {"epoch": epoch + 1, "accuracy": accuracy}
        if held is None:
            return
        self._results.put(held)
        self._go.acquire()
        if self._abandoned:
            raise _Abandoned
