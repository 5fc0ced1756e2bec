"""Evaluations in processes of this machine."""

import contextlib
import signal
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import wait
from types import TracebackType
from typing import Self

from nas.evaluators.base import Evaluator
from nas.executors.base import Job, Outcome, run_job, run_job_apart
from nas.executors.child_processes import ChildProcess, packed

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
        with contextlib.redirect_stdout(sys.stderr):  # the program's own output is its answer
            self._outcome = run_job(self.evaluator, job)

    def next(self) -> Outcome:
        if self._outcome is None:
            raise RuntimeError("no job was submitted")
        outcome, self._outcome = self._outcome, None
        return outcome


@dataclass(slots=True)
class Processes:
    """`workers` processes, each evaluating one job at a time.

    A process that dies takes no other down: its job is tried twice more, then given up as lost.
    One that was killed twice may have been for want of memory: its last try is to do with half of
    it. Raises UserError for an evaluator that cannot be sent to a process, or loaded there.
    """

    evaluator: Evaluator
    workers: int
    _task: bytes = b""
    _idle: list["_Worker"] = field(default_factory=list)
    _busy: list["_Worker"] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._task = packed(partial(run_job_apart, self.evaluator), "evaluator")
        try:
            for _ in range(self.workers):
                self._idle.append(self._start())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._busy:
            worker.child.process.kill()
        for worker in self._idle:
            worker.child.pipe.close()
        for worker in [*self._busy, *self._idle]:
            worker.child.dismiss()
        self._idle, self._busy = [], []

    def submit(self, job: Job) -> None:
        worker = self._idle.pop()
        worker.give(job)
        self._busy.append(worker)

    def next(self) -> Outcome:
        while True:
            ready = wait([worker.child.pipe for worker in self._busy])
            worker = next(w for w in self._busy if w.child.pipe in ready)
            if not worker.child.is_ready:
                worker.child.greet("evaluator")
                continue
            self._busy.remove(worker)
            try:
                outcome: Outcome = worker.child.receive()
            except (EOFError, ConnectionError):
                lost = self._replace(worker)
                if lost is not None:
                    return lost
                continue
            self._idle.append(worker)
            return outcome

    def _start(self) -> "_Worker":
        return _Worker(ChildProcess.start(self._task))

    def _replace(self, dead: "_Worker") -> Outcome | None:
        code = dead.child.stop()
        job, attempts = dead.job, dead.attempts
        fresh = self._start()
        if job is not None and attempts < _ATTEMPTS:
            killed = code == -signal.SIGKILL
            reductions = attempts - 1 if killed else 0
            fresh.give(replace(job, memory_reductions=reductions), attempts + 1)
            self._busy.append(fresh)
            return None
        self._idle.append(fresh)
        reason = f"its process died {attempts} times, the last with exit code {code}"
        if code == -signal.SIGKILL:
            reason += " (killed, as for want of memory)"
        return Outcome(number=job.number if job else -1, reason=reason, lost=True)


@dataclass(slots=True)
class _Worker:
    child: ChildProcess
    job: Job | None = None
    attempts: int = 0

    def give(self, job: Job, attempt: int = 1) -> None:
        self.job, self.attempts = job, attempt
        self.child.send(packed(job, "job"))
