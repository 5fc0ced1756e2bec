"""Many searches side by side, each put on record once it is over."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import optuna

from nas.bench.landscape import Landscape
from nas.bench.reference import Reference
from nas.bench.simulate import Step, simulate
from nas.executors.child_processes import packed, results
from nas.runs.json_lines import JsonLines
from nas.samplers.base import SamplerFactory
from search_spaces.parsing import from_mapping

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Entrant:
    """A sampler that takes part."""

    name: str
    sampler: SamplerFactory
    settings: Mapping[str, Any]
    """The sampler's configuration, which its results are recorded under"""

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the settings."""
        return fingerprint(self.settings)


def fingerprint(settings: object) -> str:
    """12 hexadecimal digits that tell a sampler's configuration from others."""
    spelt = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(spelt.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is the same for all entrants."""

    landscape: Landscape
    reference: Reference
    trials: int
    workers: int
    at: tuple[int, ...]
    """Numbers of trials after which findings are compared."""


@dataclass(frozen=True, slots=True)
class Result:
    """One search of one sampler."""

    sampler: str
    fingerprint: str
    seed: int
    steps: tuple[Step, ...]


Task = tuple[Entrant, int]


def missing(
    entrants: Sequence[Entrant], seeds: Sequence[int], kept: Iterable[Result]
) -> list[Task]:
    """The searches that are not on record, a seed of every sampler before the next seed."""
    done = {(result.sampler, result.fingerprint, result.seed) for result in kept}
    tasks = [(entrant, seed) for seed in seeds for entrant in entrants]
    return [(e, seed) for e, seed in tasks if (e.name, e.fingerprint, seed) not in done]


def run(
    tasks: Sequence[Task],
    conditions: Conditions,
    path: Path,
    processes: int,
    on_result: Callable[[int, Result], None],
) -> None:
    """Append a line to `path` for each search, as it ends.

    `on_result` is called with the number of searches that have ended, and the last result.
    """
    if not tasks:
        return
    _one_thread_each()
    lines = _lines(path)
    lines.repair()
    task = packed(partial(_search, conditions), "bench")
    for done, result in enumerate(results(task, tasks, processes, "bench"), start=1):
        lines.append(_as_line(result))
        on_result(done, result)


def read(path: Path) -> list[Result]:
    """The results on record. Raises UserError as JsonLines does."""
    return _lines(path).read(_as_result)


def _lines(path: Path) -> JsonLines:
    return JsonLines(path, "a search")


def _as_result(line: Mapping[str, Any]) -> Result:
    rows = zip(*(line["steps"][name] for name in Step.__slots__), strict=True)
    steps = [dict(zip(Step.__slots__, row, strict=True)) for row in rows]
    return from_mapping(Result, {**line, "steps": steps})


def _as_line(result: Result) -> dict[str, Any]:
    steps = [asdict(step) for step in result.steps]
    columns = {name: [step[name] for step in steps] for name in Step.__slots__}
    return {
        "sampler": result.sampler,
        "fingerprint": result.fingerprint,
        "seed": result.seed,
        "steps": columns,
    }


def _search(conditions: Conditions, task: Task) -> Result:
    entrant, seed = task
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    steps = simulate(
        conditions.landscape,
        conditions.reference,
        entrant.sampler,
        seed=seed,
        trials=conditions.trials,
        workers=conditions.workers,
        recommend_at=frozenset(conditions.at),
    )
    return Result(entrant.name, entrant.fingerprint, seed, tuple(steps))


def _one_thread_each() -> None:
    """Leave one thread to each search: they share the cores. Processes that start later obey."""
    for name in _THREADS:
        os.environ.setdefault(name, "1")
