"""What a search is going to do, in a line: how many trainings, how long, and how much disk."""

import os
import shutil
from pathlib import Path

from nas.cli.config import Config
from nas.cli.progress import clock
from nas.data.names import counted
from nas.evaluators.asked import effort
from nas.evaluators.base import Evaluator
from nas.search.budget import typical
from nas.search.loop import Search

_RECORD = 16_000
"""Bytes that a trial takes in a study, its network and its curve included."""


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
    found = effort(evaluator, typical(search))
    said = ""
    if found is not None:
        workers = side_by_side(config, config["search"]["workers"])
        whole = found.preparation + left * settings.seeds * found.evaluation
        side = f", {workers} side by side" if workers and workers > 1 else ""
        each = f"{found.evaluation * settings.seeds:.2g} core-seconds"
        said = f" of about {each} by a timed step{side}: about {clock(whole / (workers or 1))}"
        said += "" if workers else " of one core"
    return f"plan: {counted(left, 'trial')}{said}{kept}; {_disk(left, run)}"


def side_by_side(config: Config, given: object) -> int | None:
    """Trainings side by side; None where a cluster decides."""
    if isinstance(given, int):
        return given
    return len(os.sched_getaffinity(0)) if config["executor"]["name"] == "local" else None


def _disk(trials: int, run: Path) -> str:
    there = next(path for path in (run.absolute(), *run.absolute().parents) if path.exists())
    free = f"{shutil.disk_usage(there).free / 1e9:,.1f} GB free"
    return f"disk: about {max(0.2, trials * _RECORD / 1e6):.1f} MB, {free}" if trials else free
