"""What finished trainings say: how good each candidate is, which wins, and which tie with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from nas.statistics.comparison import Comparison, compare
from nas.trainings.engine import Trainings
from scaling_search.grow.grid import Candidate, Grid
from scaling_search.judge.trend import Direction
from scaling_search.settings import SweepSettings
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate and what its trainings came to."""

    candidate: Candidate
    accuracies: Mapping[int, float]
    """By seed."""
    in_band: bool
    mean: float | None = None
    stderr: float | None = None
    winner: bool = False
    tied: bool = False
    """Not distinguishable from the winner at 95 %."""
    reason: str = ""
    """Why it failed; with one failed training it cannot win."""
    note: str = ""
    """What to know of its accuracies: that batches were divided for want of memory, say."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The sweep's answer, with its uncertainty."""

    grid: Grid
    settings: SweepSettings
    standings: tuple[Standing, ...]
    comparison: Comparison
    failed: int
    """Trainings that failed."""
    evaluator: Mapping[str, str | int | float]
    """What the accuracies are of, as the evaluator describes itself."""
    direction: Direction | None
    """Where a smooth surface through all trainings has its best; None for too few networks."""

    @property
    def winner(self) -> Standing:
        return next(standing for standing in self.standings if standing.winner)

    @property
    def ties(self) -> tuple[Standing, ...]:
        """The others that may be the best."""
        return tuple(standing for standing in self.standings if standing.tied)


def judge(
    grid: Grid,
    settings: SweepSettings,
    trainings: Trainings,
    evaluator: Mapping[str, str | int | float],
    direction: Direction | None = None,
) -> SweepResult:
    """The answer that finished trainings give. Raises UserError where no candidate can win."""
    accuracies, failures = trainings.accuracies, trainings.failures
    notes = trainings.notes
    in_band = set(settings.in_band(grid))
    eligible = (in_band & accuracies.keys()) - failures.keys()
    if not eligible:
        raise UserError(_no_winner(len(in_band), failures))
    comparison = compare(accuracies, eligible)
    standings = []
    for candidate in grid.candidates:
        estimate = comparison.estimates.get(candidate.index)
        standings.append(
            Standing(
                candidate=candidate,
                accuracies=accuracies.get(candidate.index, {}),
                in_band=candidate.index in in_band,
                mean=estimate.mean if estimate else None,
                stderr=estimate.stderr if estimate else None,
                winner=candidate.index == comparison.winner,
                tied=candidate.index in comparison.ties,
                reason=failures.get(candidate.index, ""),
                note=notes.get(candidate.index, ""),
            )
        )
    failed = sum(record.state == "failed" for record in trainings.records.values())
    return SweepResult(grid, settings, tuple(standings), comparison, failed, evaluator, direction)


def _no_winner(in_band: int, failures: Mapping[int, str]) -> str:
    first = min(failures, default=None)
    why = f"; the first, {failures[first]}" if first is not None else ""
    return f"no candidate is left: all {in_band} within the band failed{why}"
