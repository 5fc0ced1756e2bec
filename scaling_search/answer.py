"""What finished trainings say: how good each candidate is, which wins, and which tie with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from scaling_search.comparison import Comparison, compare
from scaling_search.grid import Candidate, Grid
from scaling_search.records import Job, TrainingRecord
from scaling_search.settings import SweepSettings
from scaling_search.strategies import Pair, Results
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
    records: Mapping[Job, TrainingRecord],
    evaluator: Mapping[str, str | int | float],
) -> SweepResult:
    """The answer that finished trainings give. Raises UserError where no candidate can win."""
    results = results_of(grid, records)
    accuracies, failures = accuracies_of(results), _failures(grid, records)
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
            )
        )
    failed = sum(accuracy is None for accuracy in results.values())
    return SweepResult(grid, settings, tuple(standings), comparison, failed, evaluator)


def by_job(grid: Grid, records: list[TrainingRecord]) -> dict[Job, TrainingRecord]:
    """The records that are about candidates of the grid."""
    keys = {candidate.arch.key() for candidate in grid.candidates}
    return {record.job: record for record in records if record.key in keys}


def results_of(grid: Grid, records: Mapping[Job, TrainingRecord]) -> dict[Pair, float | None]:
    """The records by candidate and seed, as strategies read them."""
    index = {candidate.arch.key(): candidate.index for candidate in grid.candidates}
    return {(index[key], seed): record.accuracy for (key, seed), record in records.items()}


def accuracies_of(results: Results) -> dict[int, dict[int, float]]:
    """By candidate and seed, without what failed."""
    accuracies: dict[int, dict[int, float]] = {}
    for (candidate, seed), accuracy in sorted(results.items()):
        if accuracy is not None:
            accuracies.setdefault(candidate, {})[seed] = accuracy
    return accuracies


def _failures(grid: Grid, records: Mapping[Job, TrainingRecord]) -> dict[int, str]:
    """Why each failed candidate failed: its first failed training's reason."""
    index = {candidate.arch.key(): candidate.index for candidate in grid.candidates}
    failed = sorted(
        (index[record.key], record.seed, record.reason)
        for record in records.values()
        if record.state == "failed"
    )
    return {candidate: f"seed {seed}: {reason}" for candidate, seed, reason in reversed(failed)}


def _no_winner(in_band: int, failures: Mapping[int, str]) -> str:
    first = min(failures, default=None)
    why = f"; the first, {failures[first]}" if first is not None else ""
    return f"no candidate is left: all {in_band} within the band failed{why}"
