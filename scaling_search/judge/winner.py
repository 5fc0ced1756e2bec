"""The winner of a sweep: how good each candidate is, which is best, and which tie with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from nas.statistics.comparison import Comparison, compare
from nas.statistics.comparison import Estimate as Accuracy
from nas.trainings.engine import Trainings
from scaling_search.grow.grid import Candidate, Grid
from scaling_search.judge.counted import validation_images
from scaling_search.judge.estimate import Estimate
from scaling_search.judge.guided import Belief, believe
from scaling_search.judge.observations import directions_of
from scaling_search.judge.surface import Places
from scaling_search.judge.turning import Turn
from scaling_search.rule.rule import Constants
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
    """Its expected accuracy: under a model, from all trainings, its own or not."""
    stderr: float | None = None
    winner: bool = False
    tied: bool = False
    """Not distinguishable from the winner at 95 %."""
    reason: str = ""
    """Why it failed; with one failed training it cannot win."""
    note: str = ""
    """What to know of its accuracies: that batches were divided for want of memory, say."""


@dataclass(frozen=True, slots=True)
class Findings:
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
    estimate: Estimate
    """The constants that all trainings together speak for."""
    turn_with_cost: Turn | None
    """Whether the best direction is another at another cost; None for trainings at one φ."""
    turn_with_epochs: Turn | None = None
    """Whether it is another after other epochs; None for trainings of one length."""

    @property
    def constants(self) -> Constants:
        """What is named: the estimate, or where the settings ask for one a grid point, the
        winner's; the published ones where no training can be told from chance."""
        if self.estimate.at_chance:
            return self.estimate.known
        if self.settings.strategy == "model" and not self.settings.snap:
            return self.estimate.named
        return self.winner.candidate.constants

    @property
    def more_trainings(self) -> int | None:
        """About how many more trainings would decide; None for more than anyone does."""
        if self.settings.strategy == "model":
            return self.estimate.more_trainings
        return self.comparison.more_trainings()

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
    places: Places,
    trainings: Trainings,
    evaluator: Mapping[str, str | int | float],
    estimate: Estimate,
    turn_with_cost: Turn | None,
) -> Findings:
    """The winner that finished trainings give. Raises UserError where no candidate can win."""
    failures, notes = trainings.failures, trainings.notes
    index = range(len(grid.candidates))
    accuracies = {each: seeds for each, seeds in trainings.accuracies.items() if each in index}
    in_band = set(settings.in_band(grid))
    eligible = (in_band & accuracies.keys()) - failures.keys()
    if not eligible:
        raise UserError(_no_winner(len(in_band), failures))
    comparison = compare(accuracies, eligible)
    if settings.strategy == "model":
        images = validation_images(evaluator)
        belief = believe(
            places, tuple(sorted(in_band)), directions_of(grid), trainings.results, images
        )
        comparison = _believed(belief, trainings, comparison)
    results = []
    for candidate in grid.candidates:
        accuracy = comparison.estimates.get(candidate.index)
        results.append(
            CandidateResult(
                candidate=candidate,
                accuracies=accuracies.get(candidate.index, {}),
                in_band=candidate.index in in_band,
                mean=accuracy.mean if accuracy else None,
                stderr=accuracy.stderr if accuracy else None,
                winner=candidate.index == comparison.winner,
                tied=candidate.index in comparison.ties,
                reason=failures.get(candidate.index, ""),
                note=notes.get(candidate.index, ""),
            )
        )
    failed = sum(record.state == "failed" for record in trainings.records.values())
    return Findings(
        grid, settings, tuple(results), comparison, failed, evaluator, estimate, turn_with_cost
    )


def _believed(belief: Belief, trainings: Trainings, measured: Comparison) -> Comparison:
    """What a model expects of those that may win, in place of the means that were measured."""
    seeds = trainings.accuracies
    drawn = belief.accuracies
    # A surface knows of no bounds; an accuracy does.
    means, errors = drawn.mean(axis=0).clip(0, 1), drawn.std(axis=0)
    expected = {
        candidate: Accuracy(float(mean), float(error), len(seeds.get(candidate, {})))
        for candidate, mean, error in zip(belief.candidates, means, errors, strict=True)
    }
    return Comparison(
        estimates={**measured.estimates, **expected},
        winner=belief.winner,
        ties=belief.contenders - {belief.winner},
        noise=belief.surface.noise,
    )


def _no_winner(in_band: int, failures: Mapping[int, str]) -> str:
    if not failures:
        return f"no candidate is left: none of {in_band} within the band was trained"
    return (
        f"no candidate is left: of {in_band} within the band, all {len(failures)} that were "
        f"trained failed; the first, {failures[min(failures)]}"
    )
