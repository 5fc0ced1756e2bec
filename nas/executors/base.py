"""What an executor is: something that evaluates jobs side by side, each in its own time."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from nas.evaluators.asked import reduced_memory
from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement
from nas.evaluators.faults import EvaluatorFailed, first_line, place, told, trace
from nas.evaluators.measured import measured
from nas.training.outcomes import Report
from search_spaces.arch import Arch
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Job:
    """One architecture to evaluate once with each seed."""

    number: int
    arch: Arch
    seeds: Sequence[int]
    memory_reductions: int = 0
    """How many times its evaluator reduces the memory it needs: its workers were lost, as for
    want of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a job: a measurement for each seed, or the reason why there is none."""

    number: int
    measurements: tuple[Measurement, ...] = ()
    seconds: float = 0.0
    processor_seconds: float = 0.0
    """Processor time of the evaluation, whatever else the machine did meanwhile."""
    reason: str = ""
    trace: str = ""
    """The traceback of an error in the evaluator's code that was not foreseen."""
    lost: bool = False
    """Whether it was the machine that failed, not the network: a later call is to try again."""
    mistake: str = ""
    """Set where no job could succeed: a user's mistake, which ends the search."""


class Executor(Protocol):
    """Evaluates jobs on workers that live as long as the `with` block it is used in."""

    workers: int

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def submit(self, job: Job) -> None:
        """Start a job; at most `workers` are under way at once."""
        ...

    def next(self) -> Outcome:
        """Wait for whichever job ends first."""
        ...


def _quiet(epoch: int, accuracy: float) -> None:
    """Curves come back with the measurement."""


def run_job(evaluator: Evaluator, job: Job, report: Report = _quiet) -> Outcome:
    """Evaluate in this process; what goes wrong becomes part of the outcome.

    An outcome is plain data, whatever the evaluator made.
    """
    started, used = time.perf_counter(), time.process_time()
    try:
        if job.memory_reductions:
            evaluator = reduced_memory(evaluator, job.memory_reductions)
        found = tuple(measured(evaluator, job.arch, seed, report) for seed in job.seeds)
    except UserError as error:
        return Outcome(number=job.number, mistake=first_line(error))
    except EvaluationFailed as error:
        return Outcome(number=job.number, seconds=_since(started), reason=first_line(error))
    except EvaluatorFailed as error:  # with less memory, which is no fault of the network's
        reason = first_line(error)
        return Outcome(number=job.number, reason=reason, trace=error.trace, lost=True)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a candidate that breaks the evaluator, in whatever way
        return Outcome(
            number=job.number,
            seconds=_since(started),
            reason=told(evaluator, error),
            trace=trace(error),
            lost=_is_the_machines(error),
        )
    return Outcome(
        number=job.number,
        measurements=found,
        seconds=_since(started),
        processor_seconds=time.process_time() - used,
    )


def run_job_apart(evaluator: Evaluator, job: Job, report: Report = _quiet) -> Outcome:
    """Evaluate as `run_job` does, in a process that nobody interrupts.

    A KeyboardInterrupt there is the evaluator's own doing, and so a failure.
    """
    try:
        return run_job(evaluator, job, report)
    except KeyboardInterrupt as error:
        reason = f"the evaluator raised KeyboardInterrupt{place(evaluator, error)}"
        return Outcome(number=job.number, reason=reason, trace=trace(error))


def unloadable(error: BaseException) -> str:
    """The mistake of an evaluator that workers cannot have."""
    return f"evaluator: a worker cannot load it: {first_line(error)}"


_OF_THE_DEVICE = ("CUDA error", "CUDA driver", "cuDNN", "CUBLAS", "NCCL", "HIP error")
"""How torch begins what a plain RuntimeError says of a device."""


def _is_the_machines(error: BaseException) -> bool:
    """Whether another machine, or the same one later, might have evaluated the network."""
    if isinstance(error, OSError | MemoryError | ImportError):
        return True
    torch = sys.modules.get("torch")  # whoever has not imported it, has no error of it
    if torch is None or not isinstance(error, RuntimeError):
        return False
    kinds = tuple(
        kind
        for name in ("OutOfMemoryError", "AcceleratorError")
        if (kind := getattr(torch, name, None)) is not None
    )
    return isinstance(error, kinds) or any(sign in str(error) for sign in _OF_THE_DEVICE)


def _since(started: float) -> float:
    return time.perf_counter() - started
