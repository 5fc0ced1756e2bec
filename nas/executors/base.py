"""The executor seam: something that evaluates jobs, each in its own time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement, Report, Sparing
from search_spaces.arch import Arch
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Job:
    """One architecture to evaluate once with each seed."""

    number: int
    arch: Arch
    seeds: Sequence[int]
    halvings: int = 0
    """Times that its worker was lost for want of memory; so often it halves what it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a job: a measurement for each seed, or the reason why there is none."""

    number: int
    measurements: tuple[Measurement, ...] = ()
    seconds: float = 0.0
    processor_seconds: float = 0.0
    """What it took of its process, whatever else the machine did meanwhile."""
    reason: str = ""
    mistake: str = ""
    """Set where no job could succeed: a user's mistake, which ends the search."""


class Executor(Protocol):
    """Used as a context: its workers live from enter to exit."""

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
    """Evaluate in this process; what goes wrong becomes part of the outcome."""
    started, used = time.perf_counter(), time.process_time()
    if job.halvings and isinstance(evaluator, Sparing):
        evaluator = evaluator.sparing(job.halvings)
    try:
        found = tuple(evaluator.evaluate(job.arch, seed, report) for seed in job.seeds)
    except UserError as error:
        return Outcome(number=job.number, mistake=str(error))
    except EvaluationFailed as error:
        return Outcome(number=job.number, seconds=_since(started), reason=str(error))
    except Exception as error:  # a candidate that breaks the evaluator must not end the search
        reason = f"{type(error).__name__}: {first_line(error)}"
        return Outcome(number=job.number, seconds=_since(started), reason=reason)
    return Outcome(
        number=job.number,
        measurements=found,
        seconds=_since(started),
        processor_seconds=time.process_time() - used,
    )


def first_line(error: BaseException) -> str:
    """What an error says, as far as it goes on a line."""
    return (str(error).strip() or "no message").splitlines()[0]


def unloadable(error: BaseException) -> str:
    """The mistake of an evaluator that workers cannot have."""
    return f"evaluator: a worker cannot load it: {first_line(error)}"


def _since(started: float) -> float:
    return time.perf_counter() - started
