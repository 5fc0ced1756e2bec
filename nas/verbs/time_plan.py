"""What is going to be done, in a line: how many trainings, how long, and how much disk."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from nas.data.names import counted
from nas.evaluators.asked import effort
from nas.evaluators.base import Effort, Evaluator
from nas.networks.cost import cost
from nas.searches.budget import typical
from nas.searches.loop import Search
from nas.verbs.config import Config
from nas.verbs.progress import clock
from search_spaces.arch import Arch

_RECORD = 16_000
"""Bytes that a trial takes in a study, its network and its curve included."""


_BRIEF = 30.0
"""Seconds of trainings below which the start of processes counts as much as they do."""


def search_plan(search: Search, evaluator: Evaluator, config: Config, run: Path) -> str:
    """The plan of a call; empty where nothing is left to do.

    How long a training takes is told by timing a step of one beforehand, where the evaluator can.
    """
    settings = search.settings
    done = sum(record.accuracy is not None for record in search.store.records())
    kept = f", {done} on record" if done else ""
    if settings.budget is not None:
        if not search.time_left:
            return ""
        return (
            f"plan: trials that end within {clock(search.time_left)}{kept}; a number of trials "
            f"does not count beside search.budget; {_disk(0, run)}"
        )
    left = max(0, settings.trials - done)
    if not left:
        return ""
    workers = side_by_side(config, config["search"]["workers"])
    said = _time(effort(evaluator, typical(search)), left, settings.seeds, workers)
    return f"plan: {counted(left, 'trial')}{said}{kept}; {_disk(left, run)}"


def sweep_plan(evaluator: Evaluator, networks: Sequence[Arch], left: int, config: Config) -> str:
    """The same of so many trainings of a sweep's networks; empty where nothing tells its time."""
    if not left:
        return ""
    by_cost = sorted(networks, key=lambda arch: cost(arch).macs)
    workers = side_by_side(config, config["workers"])
    said = _time(effort(evaluator, by_cost[len(by_cost) // 2]), left, 1, workers)
    return f"plan: {counted(left, 'training')}{said}" if said else ""


def _time(found: Effort | None, left: int, seeds: int, workers: int | None) -> str:
    """How long so many evaluations take, by the effort of a middling one."""
    if found is None:
        return ""
    each = found.evaluation * seeds
    workers = workers and min(workers, left)
    side = f", {workers} side by side" if workers and workers > 1 else ""
    seconds = (found.preparation + left * each) / (workers or 1)
    # Processes that begin to train, which no step tells of, take as long as trainings so short.
    whole = f"about {clock(seconds)}" if seconds >= _BRIEF else "under a minute"
    of_core = "" if workers else " of one core"
    return f" of about {each:.2g} core-seconds by a timed step{side}: {whole}{of_core}"


def side_by_side(config: Config, given: object) -> int | None:
    """Trainings side by side; None where a cluster decides."""
    if isinstance(given, int):
        return given
    return len(os.sched_getaffinity(0)) if config["executor"]["name"] == "local" else None


def _disk(trials: int, run: Path) -> str:
    there = next(path for path in (run.absolute(), *run.absolute().parents) if path.exists())
    free = f"{shutil.disk_usage(there).free / 1e9:,.1f} GB free"
    return f"disk: about {max(0.2, trials * _RECORD / 1e6):.1f} MB, {free}" if trials else free


def say_plan(plan: str) -> None:
    """Say a plan on stderr, where there is one."""
    if plan:
        print(plan, file=sys.stderr, flush=True)
