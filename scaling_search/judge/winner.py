"""The winner of a sweep: how good each candidate is, which is best, and which tie with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from nas.statistics.comparison import Comparison, compare
from nas.trainings.engine import Trainings
from scaling_search.grow.grid import Candidate, Grid
from scaling_search.judge.trend import Direction
from scaling_search.settings import SweepSettings
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """A candidate and what its trainings came to."""

    candidate: Candidate
    accuracies: Mapping[int, float]
    """The accuracy with each seed."""
    in_band: bool
    """Whether its realised cost is one that the winner may have."""
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
    """What a sweep found, with its uncertainty."""

    grid: Grid
    settings: SweepSettings
    candidates: tuple[CandidateResult, ...]
    """In the order of the grid."""
    comparison: Comparison
    failed: int
    """Trainings that failed."""
    evaluator: Mapping[str, str | int | float]
    """How the evaluator describes what it measures."""
    direction: Direction | None
    """The best way to grow by a smooth surface through all trainings; None for too few networks."""

    @property
    def winner(self) -> CandidateResult:
        """The best of those within the band."""
        return next(each for each in self.candidates if each.winner)

    @property
    def ties(self) -> tuple[CandidateResult, ...]:
        """The others that may be the best."""
        return tuple(each for each in self.candidates if each.tied)


def find_winner(
    grid: Grid,
    settings: SweepSettings,
    trainings: Trainings,
    evaluator: Mapping[str, str | int | float],
    direction: Direction | None = None,
) -> SweepResult:
    """The winner that finished trainings give. Raises UserError where no candidate can win."""
    accuracies, failures = trainings.accuracies, trainings.failures
    notes = trainings.notes
    in_band = set(settings.in_band(grid))
    eligible = (in_band & accuracies.keys()) - failures.keys()
    if not eligible:
        raise UserError(_no_winner(len(in_band), failures))
    comparison = compare(accuracies, eligible)
    results = []
    for candidate in grid.candidates:
        estimate = comparison.estimates.get(candidate.index)
        results.append(
            CandidateResult(
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
    return SweepResult(grid, settings, tuple(results), comparison, failed, evaluator, direction)


def _no_winner(in_band: int, failures: Mapping[int, str]) -> str:
    first = min(failures, default=None)
    why = f"; the first, {failures[first]}" if first is not None else ""
    return f"no candidate is left: all {in_band} within the band failed{why}"
