"""A sweep's trainings of other lengths: a few networks, trained for other numbers of epochs.

They say whether the best way to grow depends on the length of training, as arXiv 2103.07579 saw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nas.evaluators.asked import check, description
from nas.evaluators.base import Evaluator
from nas.trainings.engine import Trainer, Trainings, train
from nas.trainings.log import SWEEP, TrainingLog, of_epochs
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import FlatGrid
from scaling_search.grow.grid import Grid
from scaling_search.judge.observations import Place, directions_of, observe
from scaling_search.judge.surface import Floats, Seen
from scaling_search.judge.turning import EPOCHS, Turn, turn_with_epochs
from scaling_search.plan import labelled, star_of
from scaling_search.settings import SweepSettings
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Length:
    """The baseline and the star at the sweep's φ, trained once each for a number of epochs."""

    epochs: int
    trainings: Trainings
    strategy: FlatGrid

    @property
    def missing(self) -> int:
        """Trainings that are not on record."""
        return len(self.strategy.pending(self.trainings.results))

    @property
    def failed(self) -> int:
        """Trainings that failed."""
        return sum(record.state == "failed" for record in self.trainings.records.values())


def lengths_of(settings: SweepSettings, grid: Grid, folder: Path) -> tuple[Length, ...]:
    """Those that the settings ask for, and what is on record of them in the folder's sweep.jsonl.

    Raises UserError where the log is damaged.
    """
    if not settings.epochs:
        return ()
    networks, log = labelled(star_of(settings, grid)), TrainingLog(folder / SWEEP)
    once = FlatGrid(len(networks), (settings.seed,))
    return tuple(
        Length(epochs, Trainings.on_record(networks, log, of_epochs(epochs)), once)
        for epochs in settings.epochs
    )


def check_lengths(
    lengths: Sequence[Length], evaluator: Evaluator, trainers: Mapping[int, Trainer]
) -> int:
    """The epochs of the sweep's own evaluator; 1 where no other lengths are asked for.

    Evaluators say in their description for how many they train. Raises UserError, before anything
    is trained, where the trainers do not train for these epochs.
    """
    if {length.epochs for length in lengths} != trainers.keys():
        asked = [length.epochs for length in lengths]
        raise UserError(f"epochs: expected a trainer for each of {asked}, got {list(trainers)}")
    own = epochs_of(evaluator) if lengths else 1
    for length in lengths:
        epochs = length.epochs
        if own == epochs:
            raise UserError(
                f"epochs: expected numbers other than the evaluator's own {own}, got {epochs}"
            )
        other = trainers[epochs].evaluator
        if epochs_of(other) != epochs:
            raise UserError(f"epochs: {epochs}: its evaluator trains for {epochs_of(other)}")
        if length.missing:
            for network in length.trainings.networks:
                check(other, network.arch)
    return own


def epochs_of(evaluator: Evaluator) -> int:
    """For how many epochs an evaluator trains, by its description. Raises UserError for none."""
    epochs = description(evaluator).get("epochs")
    if not isinstance(epochs, int):
        raise UserError(
            f"epochs: {type(evaluator).__name__} trains for no number of epochs that could be "
            "changed; expected an evaluator that does, such as the proxy"
        )
    return epochs


def train_lengths(
    lengths: Sequence[Length],
    trainers: Mapping[int, Trainer],
    tell: Callable[[TrainingRecord], None],
) -> None:
    """Train what is not on record, one length after another. Raises UserError as `train` does."""
    for length in lengths:
        trainer = trainers[length.epochs]
        train(length.trainings, length.strategy, trainer.evaluator, trainer.executor, tell)


def judge_lengths(
    lengths: Sequence[Length],
    own: int,
    seen: Seen,
    grid: Grid,
    known: Mapping[str, Place],
    tilt: Floats,
    images: int | None = None,
) -> Turn | None:
    """Compare the direction that `seen`, trainings of the sweep's own epochs, speaks for with that
    of each other length.

    `images` are those that accuracies are counted on, where that is known. None where no other
    lengths are asked for.
    """
    if not lengths:
        return None
    directions, untold = directions_of(grid), []
    found = {own: seen}
    for length in lengths:
        trainings = length.trainings
        records = trainings.records.values()
        if length.failed < len(records):
            ours = observe(records, grid.baseline, directions, known, trainings.evaluator, images)
            found[length.epochs] = ours
        else:
            first = next(iter(trainings.failures.values()))
            untold.append(f"All trainings of {length.epochs} epochs failed; the first, {first}.")
    for epochs in [each for each, ours in found.items() if ours.at_chance]:
        del found[epochs]
        untold.append(f"No training of {epochs} epochs can be told from chance.")
    if own not in found:
        return Turn(EPOCHS, {}, 1.0, " ".join(untold))
    return turn_with_epochs(found, own, directions, tilt, " ".join(untold))


def seconds_left(
    trainings: Trainings, more: int, lengths: Sequence[Length], own: int
) -> float | None:
    """Seconds until all is finished, `more` trainings of the sweep's own epochs included.

    A training takes as long as it has epochs. None before one of any length is finished.
    """
    courses = [(own, trainings, more)]
    courses += [(each.epochs, each.trainings, each.missing) for each in lengths]
    begun = [(epochs, course.pace) for epochs, course, _ in courses if course.pace.known]
    if not begun:
        return None
    told, pace = begun[-1]
    whole = 0.0
    for epochs, course, count in courses:
        left = course.seconds_for(count, pace)
        whole += 0.0 if left is None else left * epochs / told
    return whole
