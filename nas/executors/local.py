"""Evaluations in processes of this machine."""

import multiprocessing
import signal
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from nas.child_processes import end_with_parent, undisturbed_start
from nas.evaluators.base import Evaluator
from nas.executors.base import Job, Outcome, run_job

_ATTEMPTS = 3
"""Times a job is begun, each in a fresh process, before the loss of its process is its end."""


@dataclass(slots=True)
class InProcess:
    """One evaluation at a time in the process that searches: no start-up, for fast evaluators."""

    evaluator: Evaluator
    workers: int = 1
    _outcome: Outcome | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._outcome = None

    def submit(self, job: Job) -> None:
        self._outcome = run_job(self.evaluator, job)

    def next(self) -> Outcome:
        if self._outcome is None:
            raise RuntimeError("no job was submitted")
        outcome, self._outcome = self._outcome, None
        return outcome


@dataclass(slots=True)
class Processes:
    """`workers` processes, each evaluating one job at a time.

    A process that dies takes no other down: its job is tried twice more, then failed. One that was
    killed twice may have been for want of memory: its last try is to do with half of it.
    """

    evaluator: Evaluator
    workers: int
    _idle: list["_Worker"] = field(default_factory=list)
    _busy: list["_Worker"] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._idle = [_Worker.start(self.evaluator) for _ in range(self.workers)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._busy:
            worker.stop()
        for worker in self._idle:
            worker.dismiss()
        self._idle, self._busy = [], []

    def submit(self, job: Job) -> None:
        worker = self._idle.pop()
        worker.give(job)
        self._busy.append(worker)

    def next(self) -> Outcome:
        while True:
            ready = wait([worker.pipe for worker in self._busy])
            worker = next(w for w in self._busy if w.pipe in ready)
            self._busy.remove(worker)
            try:
                outcome: Outcome = worker.pipe.recv()
            except (EOFError, ConnectionError):
                lost = self._replace(worker)
                if lost is not None:
                    return lost
                continue
            self._idle.append(worker)
            return outcome

    def _replace(self, dead: "_Worker") -> Outcome | None:
        dead.process.join(timeout=1)
        dead.stop()
        job, attempts = dead.job, dead.attempts
        fresh = _Worker.start(self.evaluator)
        if job is not None and attempts < _ATTEMPTS:
            killed = dead.exit_code == -signal.SIGKILL
            fresh.give(replace(job, halvings=attempts - 1 if killed else 0), attempts + 1)
            self._busy.append(fresh)
            return None
        self._idle.append(fresh)
        reason = f"its process died {attempts} times, the last with exit code {dead.exit_code}"
        if dead.exit_code == -signal.SIGKILL:
            reason += " (killed, as for want of memory)"
        return Outcome(number=job.number if job else -1, reason=reason)


@dataclass(slots=True)
class _Worker:
    process: multiprocessing.process.BaseProcess
    pipe: Connection
    job: Job | None = None
    attempts: int = 0
    exit_code: int | None = None

    @classmethod
    def start(cls, evaluator: Evaluator) -> "_Worker":
        # Threads of torch do not survive a fork.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, evaluator), daemon=True)
        with undisturbed_start():
            process.start()
        theirs.close()
        return cls(process, ours)

    def give(self, job: Job, attempt: int = 1) -> None:
        self.job, self.attempts = job, attempt
        try:
            self.pipe.send(job)
        except (BrokenPipeError, ConnectionError):
            return  # it died while idle; reading its pipe tells

    def dismiss(self) -> None:
        """Let an idle process end by itself, so that it cleans up behind itself."""
        self.pipe.close()
        self.process.join(timeout=5)
        self.process.kill()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()
        self.exit_code = self.process.exitcode


def _serve(pipe: Connection, evaluator: Evaluator) -> None:
    # A driver that was killed must not leave us behind.
    end_with_parent()
    while True:
        try:
            job: Job = pipe.recv()
            pipe.send(run_job(evaluator, job))
        except (EOFError, ConnectionError):  # the driver is gone
            return
