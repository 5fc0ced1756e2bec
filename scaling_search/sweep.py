"""The sweep: train the distinct networks of the grid of constants, and say which scales best.

EfficientNet (arXiv 1905.11946), §3.3, step 1.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from nas.evaluators.asked import description
from nas.evaluators.base import Evaluator
from nas.executors.base import Executor
from nas.trainings.engine import Trainings, train
from nas.trainings.log import ABLATION, SWEEP, TrainingLog
from nas.trainings.strategies import Strategy
from scaling_search.files import write_constants, write_csv
from scaling_search.grow.grid import Candidate, Grid, GridPrice, make_grid
from scaling_search.judge.estimate import estimate, known_tilt
from scaling_search.judge.observations import (
    directions_of,
    observe,
    places_by_key,
    places_of,
)
from scaling_search.judge.surface import Places, Seen
from scaling_search.judge.turning import turn
from scaling_search.judge.winner import SweepResult, find_winner
from scaling_search.plan import beside, networks_of, strategy_of
from scaling_search.settings import SweepSettings
from search_spaces.arch import Arch
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """How far a sweep is, and its best candidate so far."""

    done: int
    total: int
    """Trainings at most by a model, or known to be needed: racing may ask for more as it learns."""
    best: Candidate | None
    """The candidate of the highest mean so far, among those within the band."""
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
        points = f"{self.grid.points} points ({self.grid.rule.symbols})"
        return (
            f"{points} are {len(self.grid.candidates)} distinct "
            f"networks with {self.grid.depth_vectors} depth vectors at φ = "
            f"{self.settings.phi:g}, realising {low:.2f}–{high:.2f} × the baseline's cost "
            f"(nominal {self.settings.target_ratio():.2f} ×, band {band[0]:.2f}–{band[1]:.2f} ×)\n"
            f"{self.settings.strategy}: {self.todo} trainings to do next, at most {self.most} in "
            f"all, {self.done} on record"
        )


def plan_sweep(
    baseline: Arch, settings: SweepSettings, folder: Path, price: GridPrice | None = None
) -> SweepPlan:
    """Say what `run_sweep` would do, given the records in `folder`.

    Raises UserError where the constraint or the band leaves no candidate.
    """
    grid = _grid(baseline, settings, price)
    trainings = Trainings.on_record(networks_of(settings, grid), TrainingLog(folder / SWEEP))
    strategy = strategy_of(settings, grid)
    todo = len(strategy.pending(trainings.results))
    return SweepPlan(grid, settings, todo, strategy.most, len(trainings.records))


def run_sweep(
    baseline: Arch,
    settings: SweepSettings,
    evaluator: Evaluator,
    folder: Path,
    executor: Callable[[], AbstractContextManager[Executor]],
    *,
    price: GridPrice | None = None,
    progress: Callable[[SweepProgress], None] = lambda progress: None,
) -> SweepResult:
    """Train what is not on record in `folder`, and write sweep.csv and constants.yaml there.

    Each finished training is a line of sweep.jsonl before it counts, and is never done again:
    killed at any moment, the same call goes on, on whichever executor. Raises UserError for
    settings that leave no candidate, an executor that lacks what is asked of it, and where every
    candidate failed.
    """
    grid = _grid(baseline, settings, price)
    trainings = Trainings.on_record(networks_of(settings, grid), TrainingLog(folder / SWEEP))

    strategy = strategy_of(settings, grid)

    def ending_early() -> AbstractContextManager[Executor]:
        made = executor()
        ends_after = getattr(made, "asha", None)
        if ends_after != settings.asha:
            raise UserError(
                f"asha: the executor ends trainings after {ends_after} epochs, the settings ask "
                f"for {settings.asha}: give both to RayTune"
            )
        return made

    train(
        trainings,
        strategy,
        evaluator,
        ending_early,
        lambda record: progress(_progress(grid, settings, strategy, trainings)),
    )
    directions = directions_of(grid)
    places = places_of(grid, directions, beside(settings, grid))
    seen = _seen(grid, settings, places, folder)
    tilt = known_tilt(directions)
    result = find_winner(
        grid,
        settings,
        places,
        trainings,
        description(evaluator),
        estimate(seen, directions, tilt),
        turn(seen, directions, tilt, (settings.phi, *settings.phis)),
    )
    write_csv(folder / "sweep.csv", result)
    write_constants(folder / "constants.yaml", result)
    return result


def _grid(baseline: Arch, settings: SweepSettings, price: GridPrice | None) -> Grid:
    grid = make_grid(baseline, settings, price)
    low, high = settings.cost_band()
    if not settings.in_band(grid):
        least, most = grid.realised_range
        raise UserError(
            f"band: no candidate realises {low:.2f}–{high:.2f} × the baseline's cost; "
            f"they realise {least:.2f}–{most:.2f} ×"
        )
    return grid


def _seen(grid: Grid, settings: SweepSettings, places: Places, folder: Path) -> Seen:
    """All trainings in the folder, of any sweep or ablation."""
    logs = [TrainingLog(folder / name) for name in (SWEEP, ABLATION)]
    records = [record for log in logs for record in log.read()]
    known = places_by_key((*grid.candidates, *beside(settings, grid)), places)
    return observe(records, grid.baseline, directions_of(grid), known)


def _progress(
    grid: Grid, settings: SweepSettings, strategy: Strategy, trainings: Trainings
) -> SweepProgress:
    accuracies = trainings.accuracies
    means = {
        index: sum(accuracies[index].values()) / len(accuracies[index])
        for index in settings.in_band(grid)
        if index in accuracies
    }
    best = max(means, key=lambda index: means[index], default=None)
    done, waiting, left = len(trainings.records), len(trainings.waiting), trainings.seconds_left
    # A model goes on to its budget, unless it is settled before; how far a race goes is not known.
    more = max(waiting, strategy.most - done) if settings.strategy == "model" else waiting
    return SweepProgress(
        done=done,
        total=done + more,
        best=None if best is None else grid.candidates[best],
        best_accuracy=None if best is None else means[best],
        seconds_left=left / waiting * more if left is not None and waiting else left,
    )
