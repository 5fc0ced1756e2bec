"""The sweep: train the distinct networks of the grid of constants, and say which scales best.

EfficientNet (arXiv 1905.11946), §3.3, step 1.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from nas.evaluators.asked import description
from nas.evaluators.base import Evaluator
from nas.executors.base import Executor
from nas.trainings.engine import Trainer, Trainings, train
from nas.trainings.log import ABLATION, SWEEP, TrainingLog
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import Strategy
from scaling_search.files import write_constants, write_csv
from scaling_search.grow.grid import Candidate, Grid, GridPrice, make_grid
from scaling_search.judge.counted import validation_images
from scaling_search.judge.estimate import estimate, known_tilt
from scaling_search.judge.guided import ModelGuided
from scaling_search.judge.observations import (
    Place,
    directions_of,
    observe,
    places_by_key,
    places_of,
)
from scaling_search.judge.surface import Seen
from scaling_search.judge.turning import around, turn_with_cost
from scaling_search.judge.winner import Findings, find_winner
from scaling_search.lengths import (
    Length,
    check_lengths,
    judge_lengths,
    lengths_of,
    seconds_left,
    train_lengths,
)
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
    strategy: Strategy
    """What decides; it remembers what it has decided."""
    other_lengths: int = 0
    """How many of all are of other epochs."""

    def __str__(self) -> str:
        low, high = self.grid.realised_range
        band = self.settings.cost_band()
        points = f"{self.grid.points} points ({self.grid.rule.symbols})"
        return (
            f"{points} are {len(self.grid.candidates)} distinct "
            f"networks with {self.grid.depth_vectors} depth vectors at φ = "
            f"{self.settings.phi:g}, realising {low:.2f}–{high:.2f} × the baseline's cost "
            f"(nominal {self.settings.target_ratio():.2f} ×, band {band[0]:.2f}–{band[1]:.2f} ×)\n"
            f"{self.settings.strategy}: {self.todo} training{'s' * (self.todo != 1)} to do next, "
            f"at most {self.most} in all, {self.done} on record{self._of_other_lengths}"
            f"{self._cut_short}"
        )

    @property
    def _cut_short(self) -> str:
        strategy = self.strategy
        if not isinstance(strategy, ModelGuided) or strategy.budget >= strategy.opening:
            return ""
        return (
            f"\nbudget: {strategy.budget} is less than the {strategy.opening} trainings that a "
            "model begins with"
        )

    @property
    def _of_other_lengths(self) -> str:
        if not self.settings.epochs:
            return ""
        *rest, last = map(str, self.settings.epochs)
        epochs = f"{', '.join(rest)} or {last}" if rest else last
        return f"; {self.other_lengths} of all are of {epochs} epochs"


def plan_sweep(
    baseline: Arch,
    settings: SweepSettings,
    folder: Path,
    price: GridPrice | None = None,
    images: int | None = None,
) -> SweepPlan:
    """Say what `run_sweep` would do, given the records in `folder`.

    `images` are those that accuracies are counted on, where that is known. Raises UserError where
    the constraint or the band leaves no candidate.
    """
    grid = _grid(baseline, settings, price)
    trainings = Trainings.on_record(networks_of(settings, grid), TrainingLog(folder / SWEEP))
    strategy = strategy_of(settings, grid, images)
    lengths = lengths_of(settings, grid, folder)
    others = sum(length.strategy.most for length in lengths)
    return SweepPlan(
        grid,
        settings,
        todo=len(strategy.pending(trainings.results)) + sum(each.missing for each in lengths),
        most=strategy.most + others,
        done=_done(trainings, lengths),
        strategy=strategy,
        other_lengths=others,
    )


def run_sweep(
    baseline: Arch,
    settings: SweepSettings,
    evaluator: Evaluator,
    folder: Path,
    executor: Callable[[], AbstractContextManager[Executor]],
    *,
    price: GridPrice | None = None,
    strategy: Strategy | None = None,
    lengths: Mapping[int, Trainer] = MappingProxyType({}),
    progress: Callable[[SweepProgress], None] = lambda progress: None,
) -> Findings:
    """Train what is not on record in `folder`, and write sweep.csv and constants.yaml there.

    Each finished training is a line of sweep.jsonl before it counts, and is never done again:
    killed at any moment, the same call goes on, on whichever executor. `strategy` is that of a plan
    of the same sweep, which then decides nothing twice. `lengths` has for each of
    `settings.epochs` what trains for so many. Raises UserError for settings that leave no
    candidate, lengths that are not those, an executor that lacks what is asked of it, and where
    every candidate failed.
    """
    grid = _grid(baseline, settings, price)
    trainings = Trainings.on_record(networks_of(settings, grid), TrainingLog(folder / SWEEP))
    others = lengths_of(settings, grid, folder)
    own = check_lengths(others, evaluator, lengths)
    described = description(evaluator)
    images = validation_images(described)
    deciding = strategy or strategy_of(settings, grid, images)

    def tell(record: TrainingRecord) -> None:
        progress(_progress(grid, settings, deciding, trainings, others, own))

    ending = _ending_as_asked(settings, executor)
    train(trainings, deciding, evaluator, ending, tell)
    trainers = {
        epochs: replace(trainer, executor=_ending_as_asked(settings, trainer.executor))
        for epochs, trainer in lengths.items()
    }
    train_lengths(others, trainers, tell)
    directions = directions_of(grid)
    beyond = beside(settings, grid)
    places = places_of(grid, directions, beyond)
    known = places_by_key((*grid.candidates, *beyond), places)
    seen = _seen(grid, known, folder, images)
    tilt, phis = known_tilt(directions), (settings.phi, *settings.phis)
    result = find_winner(
        grid,
        settings,
        places,
        trainings,
        described,
        estimate(seen, directions, tilt),
        turn_with_cost(seen, directions, tilt, phis),
    )
    alike = around(seen, settings.phi, phis)
    result = replace(
        result,
        turn_with_epochs=judge_lengths(others, own, alike, grid, known, tilt, images),
        failed=result.failed + sum(length.failed for length in others),
    )
    write_csv(folder / "sweep.csv", result)
    write_constants(folder / "constants.yaml", result)
    return result


def _ending_as_asked(
    settings: SweepSettings, executor: Callable[[], AbstractContextManager[Executor]]
) -> Callable[[], AbstractContextManager[Executor]]:
    """Give the executor's maker, which then raises UserError for one of another `asha`."""

    def start() -> AbstractContextManager[Executor]:
        made = executor()
        ends_after = getattr(made, "asha", None)
        if ends_after != settings.asha:
            raise UserError(
                f"asha: the executor ends trainings after {ends_after} epochs, the settings ask "
                f"for {settings.asha}: give both to RayTune"
            )
        return made

    return start


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


def _seen(grid: Grid, known: Mapping[str, Place], folder: Path, images: int | None) -> Seen:
    """All trainings in the folder by the stages' own evaluators, of any sweep or ablation."""
    logs = [TrainingLog(folder / name) for name in (SWEEP, ABLATION)]
    records = [record for log in logs for record in log.read()]
    return observe(records, grid.baseline, directions_of(grid), known, images=images)


def _done(trainings: Trainings, lengths: Sequence[Length]) -> int:
    return len(trainings.records) + sum(len(each.trainings.records) for each in lengths)


def _progress(
    grid: Grid,
    settings: SweepSettings,
    strategy: Strategy,
    trainings: Trainings,
    lengths: Sequence[Length],
    own: int,
) -> SweepProgress:
    accuracies = trainings.accuracies
    means = {
        index: sum(accuracies[index].values()) / len(accuracies[index])
        for index in settings.in_band(grid)
        if index in accuracies
    }
    best = max(means, key=lambda index: means[index], default=None)
    done, waiting = len(trainings.records), len(trainings.waiting)
    # A model goes on to its budget, unless it is settled before; how far a race goes is not known.
    over = settings.strategy != "model" or any(each.trainings.finished for each in lengths)
    more = waiting if over else max(waiting, strategy.most - done)
    done = _done(trainings, lengths)
    return SweepProgress(
        done=done,
        total=done + more + sum(each.missing for each in lengths),
        best=None if best is None else grid.candidates[best],
        best_accuracy=None if best is None else means[best],
        seconds_left=seconds_left(trainings, more, lengths, own),
    )
