"""The time that Ray adds to a training once workers are warm, and the speed-up by a second worker.

    python benchmarks/ray_overhead.py

It runs 60 trainings of a sweep under Ray Tune and 60 of a search as Ray tasks, on this machine:
first trainings that take no time, then trainings that compute for half a second of a core's time.
All workers are warm after ten results, which the pace leaves out; the time to the first result is
shown beside it.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nas.evaluators.base import Evaluator, Measurement, Report
from nas.executors.base import Job
from nas.executors.ray_cluster import RaySettings
from nas.executors.ray_tasks import RayTasks
from nas.executors.ray_tune.executor import RayTune
from nas.verbs.columns import table
from scaling_search.settings import SweepSettings
from scaling_search.sweep import run_sweep
from search_spaces.arch import Arch
from search_spaces.zoo import zoo

TRAININGS = 60
COLD = 10
"""The number of results after which every worker has started"""

Kind = Callable[[float, int, Callable[[], None]], None]
"""Runs 60 trainings of so many seconds on so many workers, and calls the function at each result"""


@dataclass(frozen=True)
class Busy(Evaluator):
    """An evaluator that computes for `seconds` of processor time."""

    seconds: float

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass
        return Measurement(accuracy=0.5)


def sweep(seconds: float, workers: int, told: Callable[[], None]) -> None:
    """Run 60 trainings under Ray Tune."""
    settings = SweepSettings(strategy="grid", step=0.1, seeds=TRAININGS // 12)
    busy = Busy(seconds)
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(
            zoo("efficientnet_b0"),
            settings,
            busy,
            Path(folder),
            lambda: RayTune(busy, RaySettings(workers=workers)),
            progress=lambda progress: told(),
        )


def search(seconds: float, workers: int, told: Callable[[], None]) -> None:
    """Run 60 jobs as Ray tasks, as many at a time as there are workers."""
    with RayTasks(Busy(seconds), RaySettings(workers=workers)) as tasks:
        for number in range(TRAININGS + workers):
            if number >= workers:
                tasks.next()
                told()
            if number < TRAININGS:
                tasks.submit(Job(number, zoo("efficientnet_b0"), (0,)))


def measure(kind: Kind, seconds: float, workers: int) -> tuple[float, float]:
    """The seconds until the first result, and between two results once all workers are warm."""
    started, finished = time.monotonic(), list[float]()
    kind(seconds, workers, lambda: finished.append(time.monotonic() - started))
    return finished[0], (finished[-1] - finished[COLD - 1]) / (len(finished) - COLD)


def main() -> None:
    rows = []
    for kind, name in ((sweep, "sweep, Ray Tune"), (search, "search, Ray tasks")):
        for seconds in (0.0, 0.5):
            pace = {}
            for workers in (1, 2):
                first, pace[workers] = measure(kind, seconds, workers)
                rows.append(
                    (
                        f"{name}, {seconds:g} s of computing",
                        workers,
                        f"{first:.1f} s",
                        f"{pace[workers]:.3f} s",
                        f"{pace[workers] * workers - seconds:.3f} s",
                        f"{pace[1] / pace[workers]:.2f} ×" if seconds else "",
                    )
                )
    header = ("trainings", "workers", "first", "between two", "beyond computing", "speed")
    print(table(header, rows))


if __name__ == "__main__":
    main()
