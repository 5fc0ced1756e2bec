"""The trainings of a check, each on disk once it is over."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nas.executors.base import Executor, Job, Outcome
from nas.runs.json_lines import JsonLines
from nas.trainings.failures import Failures
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.parsing import from_mapping


@dataclass(frozen=True, slots=True)
class Trained:
    """What one proxy said of one network."""

    proxy: str
    key: str
    seed: int
    accuracy: float | None
    """None where the training failed."""
    curve: tuple[float, ...]
    seconds: float
    """Of one core."""
    reason: str = ""


def read(path: Path) -> list[Trained]:
    """What is on record. Raises UserError as JsonLines does."""
    return _lines(path).read(_parse)


def train(
    proxy: str,
    archs: Sequence[Arch],
    seeds: Sequence[int],
    executor: Callable[[], Executor],
    path: Path,
    told: Callable[[Trained], None],
) -> None:
    """Append a line to `path` for each training of `proxy` that is not there yet."""
    known = {(each.proxy, each.key, each.seed) for each in read(path)}
    todo = [(a, s) for s in seeds for a in archs if (proxy, a.key(), s) not in known]
    if not todo:
        return
    lines, failures = _lines(path), Failures(path.parent)
    lines.repair()
    with executor() as workers:
        begun = finished = 0
        while finished < len(todo):
            while begun < len(todo) and begun - finished < workers.workers:
                arch, seed = todo[begun]
                workers.submit(Job(begun, arch, (seed,)))
                begun += 1
            outcome = workers.next()
            arch, seed = todo[outcome.number]
            outcome = failures.keep(f"{proxy}-{arch.key()}-{seed}", outcome)
            trained = _as_trained(proxy, arch, seed, outcome)
            if not outcome.lost:  # what the machine failed, the next call tries again
                lines.append(asdict(trained))
            finished += 1
            told(trained)


def _as_trained(proxy: str, arch: Arch, seed: int, outcome: Outcome) -> Trained:
    if outcome.mistake:
        raise UserError(outcome.mistake)
    seconds = round(outcome.processor_seconds, 3)
    if not outcome.measurements:
        return Trained(proxy, arch.key(), seed, None, (), seconds, outcome.reason)
    (measured,) = outcome.measurements
    return Trained(proxy, arch.key(), seed, measured.accuracy, measured.curve, seconds)


def _lines(path: Path) -> JsonLines:
    return JsonLines(path, "a training")


def _parse(data: object) -> Trained:
    trained = from_mapping(Trained, data)
    accuracies = [a for a in (trained.accuracy, *trained.curve) if a is not None]
    if not all(0 <= a <= 1 for a in accuracies) or not 0 <= trained.seconds < math.inf:
        raise UserError("expected fractions from 0 to 1, and seconds")
    return trained
