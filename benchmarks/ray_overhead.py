"""What Ray Tune adds to a training once workers are warm, and what a second worker is worth.

    python benchmarks/ray_overhead.py

60 trainings under Ray Tune on this machine: first some that take no time, then some that compute
for half a second of a core's own time. Workers are warm from the first result of each on: what
comes before is shown apart.
"""

import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from nas.evaluators.base import Evaluator, Measurement, Report
from nas.executors.ray_cluster import RaySettings
from nas.tables import table
from scaling_search.settings import SweepSettings
from scaling_search.sweep import Progress, run_sweep
from search_spaces.arch import Arch
from search_spaces.zoo import zoo

TRAININGS = 60


@dataclass(frozen=True)
class Busy(Evaluator):
    """Computes for `seconds` of its process's own time."""

    seconds: float

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass
        return Measurement(accuracy=0.5)


@dataclass
class Clock:
    """When each training finished, in seconds since the call."""

    started: float = field(default_factory=time.monotonic)
    finished: list[float] = field(default_factory=list)

    def __call__(self, progress: Progress) -> None:
        self.finished.append(time.monotonic() - self.started)


def measure(seconds: float, workers: int) -> tuple[float, float]:
    """Seconds until the first result, and between results after it."""
    settings = SweepSettings(strategy="grid", step=0.1, seeds=TRAININGS // 12)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        run_sweep(
            zoo("efficientnet_b0"),
            settings,
            Busy(seconds),
            Path(folder),
            ray=RaySettings(workers=workers),
            progress=clock,
        )
    first, last = clock.finished[0], clock.finished[-1]
    # The first results of all workers come together: they are the start of the warm part.
    return first, (last - first) / (len(clock.finished) - workers)


def main() -> None:
    rows = []
    for seconds in (0.0, 0.5):
        pace = {}
        for workers in (1, 2):
            first, pace[workers] = measure(seconds, workers)
            overhead = pace[workers] * workers - seconds
            rows.append(
                (
                    f"{seconds:g} s of computing",
                    workers,
                    f"{first:.1f} s",
                    f"{pace[workers]:.3f} s",
                    f"{overhead:.3f} s",
                )
            )
        if seconds:
            rows.append((f"second worker: {pace[1] / pace[2]:.2f} × faster", "", "", "", ""))
    header = ("a training", "workers", "first result", "between results", "beyond its computing")
    print(table(header, rows))


if __name__ == "__main__":
    sys.exit(main())
