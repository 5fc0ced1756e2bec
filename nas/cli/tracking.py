"""Which tracker is told of a command, and how it ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nas.verbs.config import Config, make
from search_spaces.errors import UserError

if TYPE_CHECKING:
    from nas.trackers.follower import Follower

_STAGES = {
    "search": ("search", "confirm"),
    "sweep": ("sweep", "per_stage"),
    "train": ("train",),
    "run": ("search", "confirm", "sweep", "train"),
}
"""The stages whose records a verb adds to."""
_NOBODY = "nas.trackers.base.NoTracker"


@contextmanager
def tracked(verb: str, config: Config) -> Iterator[None]:
    """Inside, the tracker of the settings is told what comes on record.

    Raises UserError, before anything starts, for a tracker that cannot be made or lacks a package.
    """
    chosen = config.get("tracker")
    # Of processes that torchrun started, the first keeps the records.
    if verb not in _STAGES or not chosen or chosen["_target_"] == _NOBODY or _is_later_process():
        yield
        return
    follower = _follower(verb, config)
    follower.start()
    try:
        yield
    except UserError:
        follower.drop()
        raise
    except KeyboardInterrupt:
        from nas.trackers.follower import IMPATIENCE

        follower.finish(IMPATIENCE)
        raise
    except BaseException:
        follower.finish()
        raise
    follower.finish()


def _is_later_process() -> bool:
    return os.environ.get("RANK", "0") != "0" and "WORLD_SIZE" in os.environ


def _follower(verb: str, config: Config) -> "Follower":
    from nas.runs.folder import RunFolder
    from nas.runs.storage import storage
    from nas.trackers.base import TrackedRun, Tracker
    from nas.trackers.follower import Follower
    from nas.trackers.records import RunRecords

    tracker: Tracker = make(config["tracker"], "tracker", Tracker)
    tracker.check()
    folder = RunFolder(Path(config["run"]).absolute())
    kept = storage(config.get("storage"), folder.path)
    records = RunRecords(folder, kept, config.get("study"), _STAGES[verb])

    def run() -> TrackedRun:
        return TrackedRun(folder.path, folder.study)

    def say(line: str) -> None:
        print(f"nas-search: {line}", file=sys.stderr, flush=True)

    return Follower(tracker, run, records.series, say)
