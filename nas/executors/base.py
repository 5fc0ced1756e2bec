"""The executor seam: something that evaluates jobs, each in its own time."""

import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import TracebackType
from typing import Protocol, Self

from nas.evaluators.base import (
    EvaluationFailed,
    Evaluator,
    Measurement,
    Report,
    Sparing,
    measured,
)
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
    trace: str = ""
    """Where in the evaluator's code it went wrong, in full, where it was not foreseen."""
    lost: bool = False
    """Whether it was the machine that failed, not the network: a later call is to try again."""
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
    """Evaluate in this process; what goes wrong becomes part of the outcome.

    An outcome is plain data, whatever the evaluator made.
    """
    started, used = time.perf_counter(), time.process_time()
    if job.halvings and isinstance(evaluator, Sparing):
        evaluator = evaluator.sparing(job.halvings)
    try:
        found = tuple(measured(evaluator, job.arch, seed, report) for seed in job.seeds)
    except UserError as error:
        return Outcome(number=job.number, mistake=one_line(error))
    except EvaluationFailed as error:
        return Outcome(number=job.number, seconds=_since(started), reason=one_line(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a candidate that breaks the evaluator, in whatever way
        return Outcome(
            number=job.number,
            seconds=_since(started),
            reason=f"{type(error).__name__}: {one_line(error)}{_place(evaluator, error)}",
            trace=_trace(error),
            lost=_is_the_machines(error),
        )
    return Outcome(
        number=job.number,
        measurements=found,
        seconds=_since(started),
        processor_seconds=time.process_time() - used,
    )


def run_job_apart(evaluator: Evaluator, job: Job, report: Report = _quiet) -> Outcome:
    """The same in a process that nobody interrupts: there, Ctrl-C is the evaluator's own doing."""
    try:
        return run_job(evaluator, job, report)
    except KeyboardInterrupt as error:
        reason = f"the evaluator raised KeyboardInterrupt{_place(evaluator, error)}"
        return Outcome(number=job.number, reason=reason, trace=_trace(error))


_LONGEST = 300
"""Characters of a reason."""


def one_line(error: BaseException | str) -> str:
    """What an error says first, of a length for a table, without what would move a cursor."""
    try:
        text = str(error)
    except Exception:  # an exception of the evaluator's whose own text fails
        text = ""
    first = next((line for line in text[:100_000].splitlines() if line.strip()), "no message")
    shown = "".join(c if c.isprintable() else " " for c in first[: 2 * _LONGEST])
    shown = " ".join(shown.split())
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


def unloadable(error: BaseException) -> str:
    """The mistake of an evaluator that workers cannot have."""
    return f"evaluator: a worker cannot load it: {one_line(error)}"


def _place(evaluator: Evaluator, error: BaseException) -> str:
    """The file and line, in the evaluator's own file where the error passed through it."""
    frames = traceback.extract_tb(error.__traceback__)
    code = getattr(type(evaluator).evaluate, "__code__", None)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    frame = (own or frames)[-1]
    return f" ({PurePath(frame.filename).name}, line {frame.lineno})"


_LONGEST_TRACE = 20_000


def _trace(error: BaseException) -> str:
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # an exception of the evaluator's whose own text fails
        text = "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
    return text[-_LONGEST_TRACE:].encode("utf-8", "replace").decode("utf-8")


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
