"""The sweep: train the distinct networks of the α, β, γ grid, and say which scales best.

EfficientNet (arXiv 1905.11946), §3.3, step 1.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nas.evaluators.base import Evaluator
from nas.executors.base import Outcome
from nas.executors.ray_cluster import RaySettings, ray_cluster
from scaling_search.answer import SweepResult, accuracies_of, by_job, judge, results_of
from scaling_search.files import write_constants, write_csv
from scaling_search.grid import Candidate, Grid, Price, make_grid
from scaling_search.records import Job, TrainingLog, TrainingRecord
from scaling_search.settings import SweepSettings
from scaling_search.strategies import Pair
from search_spaces.arch import Arch
from search_spaces.compact import spell_arch
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a sweep stands."""

    done: int
    total: int
    """Trainings known to be needed; racing may ask for more as it learns."""
    best: Candidate | None
    """Of the highest mean so far, among those within the band."""
    best_accuracy: float | None
    seconds_left: float | None
    """Estimated from the trainings of this call; None before the second."""


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What a sweep is going to do; nothing is trained to know it."""

    grid: Grid
    settings: SweepSettings
    todo: int
    """Trainings to do next: all of a flat grid, a round of a race."""
    most: int
    """Trainings in all, at most."""
    done: int
    """Trainings that are on record already."""

    def __str__(self) -> str:
        low, high = self.grid.realised_range
        band = self.settings.cost_band()
        return (
            f"{self.grid.points} points (α, β, γ) are {len(self.grid.candidates)} distinct "
            f"networks with {self.grid.depth_vectors} depth vectors at φ = "
            f"{self.settings.phi:g}, realising {low:.2f}–{high:.2f} × the baseline's cost "
            f"(nominal {self.settings.target_ratio():.2f} ×, band {band[0]:.2f}–{band[1]:.2f} ×)\n"
            f"{self.settings.strategy}: {self.todo} trainings to do next, at most {self.most} in "
            f"all, {self.done} on record"
        )


def plan_sweep(
    baseline: Arch, settings: SweepSettings, folder: Path, price: Price | None = None
) -> SweepPlan:
    """What `run_sweep` would do, given the records in `folder`.

    Raises UserError where the constraint or the band leaves no candidate.
    """
    grid = _grid(baseline, settings, price)
    records = by_job(grid, TrainingLog(folder / "sweep.jsonl").read())
    strategy = settings.plan(grid)
    pending = strategy.pending(results_of(grid, records))
    return SweepPlan(grid, settings, len(pending), strategy.most, len(records))


def run_sweep(
    baseline: Arch,
    settings: SweepSettings,
    evaluator: Evaluator,
    folder: Path,
    *,
    ray: RaySettings | None = None,
    price: Price | None = None,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> SweepResult:
    """Train what is not on record in `folder`, and write sweep.csv and constants.yaml there.

    Each finished training is a line of sweep.jsonl before it counts, and is never done again:
    killed at any moment, the same call goes on. Raises UserError for settings that leave no
    candidate, a cluster that lacks what is asked for, and where every candidate failed.
    """
    grid = _grid(baseline, settings, price)
    log = TrainingLog(folder / "sweep.jsonl")
    records = by_job(grid, log.read())
    run = _Run(grid, settings, log, records, progress)
    if run.next_pairs():
        evaluator.prepare()
        with ray_cluster(ray or RaySettings()) as workers:
            folder.mkdir(parents=True, exist_ok=True)
            log.repair()
            _train(run, evaluator, ray or RaySettings(), workers)
    result = judge(grid, settings, records, dict(evaluator.describe()))
    write_csv(folder / "sweep.csv", result)
    write_constants(folder / "constants.yaml", result)
    return result


def _grid(baseline: Arch, settings: SweepSettings, price: Price | None) -> Grid:
    grid = make_grid(baseline, settings, price)
    low, high = settings.cost_band()
    if not settings.in_band(grid):
        least, most = grid.realised_range
        raise UserError(
            f"band: no candidate realises {low:.2f}–{high:.2f} × the baseline's cost; "
            f"they realise {least:.2f}–{most:.2f} ×"
        )
    return grid


@dataclass(slots=True)
class _Run:
    """A sweep under way: its records grow."""

    grid: Grid
    settings: SweepSettings
    log: TrainingLog
    records: dict[Job, TrainingRecord]
    progress: Callable[[Progress], None]
    waiting: set[Pair] = field(default_factory=set)
    """Handed out and not finished."""
    finished: list[float] = field(default_factory=list)
    """When each training of this call was."""

    def next_pairs(self) -> list[Pair]:
        strategy = self.settings.plan(self.grid)
        pairs = list(strategy.pending(results_of(self.grid, self.records)))
        self.waiting = set(pairs)
        return pairs

    def finish(self, pair: Pair, outcome: Outcome) -> None:
        """Put an outcome on record, then tell of it."""
        record = _record(self.grid.candidates[pair[0]], pair[1], outcome)
        self.log.append(record)
        self.records[record.job] = record
        self.waiting.discard(pair)
        self.finished.append(time.monotonic())
        self.progress(self._standing())

    def _standing(self) -> Progress:
        accuracies = accuracies_of(results_of(self.grid, self.records))
        means = {
            index: sum(accuracies[index].values()) / len(accuracies[index])
            for index in self.settings.in_band(self.grid)
            if index in accuracies
        }
        best = max(means, key=lambda index: means[index], default=None)
        return Progress(
            done=len(self.records),
            total=len(self.records) + len(self.waiting),
            best=None if best is None else self.grid.candidates[best],
            best_accuracy=None if best is None else means[best],
            seconds_left=self._seconds_left(),
        )

    def _seconds_left(self) -> float | None:
        # Counted from the first: before it, workers start.
        if len(self.finished) < 2:
            return None
        pace = (self.finished[-1] - self.finished[0]) / (len(self.finished) - 1)
        return pace * len(self.waiting)


def _train(run: _Run, evaluator: Evaluator, ray: RaySettings, workers: int) -> None:
    from scaling_search.tune_run import run_trainings  # Ray takes a second to import

    run_trainings(
        [candidate.arch for candidate in run.grid.candidates],
        evaluator,
        run.next_pairs,
        run.finish,
        resources=ray.resources,
        workers=workers,
    )


def _record(candidate: Candidate, seed: int, outcome: Outcome) -> TrainingRecord:
    network = {
        "alpha": candidate.constants.alpha,
        "beta": candidate.constants.beta,
        "gamma": candidate.constants.gamma,
        "nominal_ratio": round(candidate.nominal_ratio, 6),
        "realised_ratio": round(candidate.realised_ratio, 6),
        "macs": candidate.macs,
        "params": candidate.params,
        "compact": spell_arch(candidate.arch),
    }
    measurement = outcome.measurements[0] if outcome.measurements else None
    reason = outcome.reason
    if measurement is not None and not 0 <= measurement.accuracy <= 1:
        reason = f"the evaluator gave an accuracy of {measurement.accuracy}"
    if measurement is None or reason:
        return TrainingRecord(
            key=candidate.arch.key(),
            seed=seed,
            state="failed",
            seconds=outcome.seconds,
            reason=reason or "the evaluator gave no accuracy",
            network=network,
        )
    return TrainingRecord(
        key=candidate.arch.key(),
        seed=seed,
        state="finished",
        accuracy=float(measurement.accuracy),
        curve=tuple(map(float, measurement.curve)),
        seconds=outcome.seconds,
        network=network,
    )
