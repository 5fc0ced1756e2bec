"""The best networks of a search trained alone: which ones, and each once, on record."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from nas.evaluators.asked import check
from nas.evaluators.base import Evaluator
from nas.executors.base import Executor
from nas.networks.cost import cost
from nas.runs.records import Confirmed, Record
from nas.searches.loop import Search
from nas.searches.standing import confirmed_records
from nas.trainings.engine import LabelledArch, Trainings, train
from nas.trainings.log import TrainingLog
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import FlatGrid
from search_spaces.errors import UserError

_APART = 2
"""Choices in which networks differ at least, so that confirming one does not tell of the other"""


class ConfirmationProgress(Protocol):
    """A function that is called with each confirming training of a call."""

    def __call__(
        self, trained: TrainingRecord, done: int, total: int, seconds_left: float | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Stand-alone trainings of a search's best networks, on record in a log.

    Which networks are trained follows from the search's records alone. Each training is done once:
    a call after a kill, or one that asks for more, goes on from the log.
    """

    search: Search
    evaluator: Evaluator
    """What trains networks alone"""
    log: TrainingLog

    def run(
        self,
        records: Sequence[Record],
        executor: Callable[[], AbstractContextManager[Executor]],
        progress: ConfirmationProgress,
    ) -> int:
        """Train the best `settings.confirm` networks, as far as they are not on record.

        Gives their number, which is smaller where there are no more such networks. Nothing is
        started where nothing is missing. Raises UserError as `train` does.
        """
        trainings, strategy = self._asked(records)

        def tell(trained: TrainingRecord) -> None:
            done = strategy.most - len(trainings.waiting)
            progress(trained, done, strategy.most, trainings.seconds_left)

        train(trainings, strategy, self.evaluator, executor, tell)
        return strategy.candidates

    def missing(self, records: Sequence[Record]) -> int:
        """How many trainings `run` would do, were these all the records."""
        trainings, strategy = self._asked(records)
        return len(strategy.pending(trainings.results))

    def confirmed(self, records: Sequence[Record]) -> tuple[dict[int, Confirmed], dict[int, str]]:
        """What is known of each record that was trained alone, by its number, and why others that
        were to be are not.

        All trainings on record count, those that an earlier call asked for too.
        """
        tried = {trained.key for trained in self.log.read()}
        known = [record for record in _finished(records) if record.key in tried]
        trainings = Trainings.on_record([_labelled(record) for record in known], self.log)
        seeds = self.search.settings.each_seed
        whole = {
            known[place].number: [of_seed[seed] for seed in seeds]
            for place, of_seed in trainings.accuracies.items()
            if of_seed.keys() >= set(seeds)
        }
        failures = {known[place].number: why for place, why in trainings.failures.items()}
        if not whole:
            return {}, failures
        search = self.search
        found = confirmed_records(known, search.expected(), whole, search.space, search.reward)
        return found, failures

    def chosen(self, records: Sequence[Record]) -> list[Record]:
        """The records of the best expected rewards, best first, that are to be confirmed.

        They are within the limits, can be trained alone, and differ from each other in two choices
        at least, unless too few such are left.
        """
        count, expected = self.search.settings.confirm, self.search.expected()
        if not count:
            return []

        def merit(record: Record) -> tuple[float, int]:
            return -self.search.reward(expected[record.number], record.cost), record.number

        best_first = sorted(_finished(records), key=merit)
        unlike: list[Record] = []
        for record in best_first:
            if len(unlike) == count:
                break
            if all(_apart(record, other) >= _APART for other in unlike) and self._can(record):
                unlike.append(record)
        others = (each for each in best_first if each not in unlike and self._can(each))
        return [*unlike, *islice(others, count - len(unlike))]

    def _asked(self, records: Sequence[Record]) -> tuple[Trainings, FlatGrid]:
        networks = [_labelled(record) for record in self.chosen(records)]
        grid = FlatGrid(len(networks), self.search.settings.each_seed)
        return Trainings.on_record(networks, self.log), grid

    def _can(self, record: Record) -> bool:
        """Whether a record's network is within the limits, and can be trained alone."""
        try:
            check(self.evaluator, record.arch)
        except UserError:
            return False
        return self.search.limits().admit(record.arch, cost(record.arch))


def _finished(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.accuracy is not None]


def _apart(one: Record, other: Record) -> int:
    """The number of choices in which two records differ."""
    return sum(option != other.choices[name] for name, option in one.choices.items())


def _labelled(record: Record) -> LabelledArch:
    """What a training's record says of its network, for readers."""
    labels = {"trial": record.number, "macs": record.macs, "compact": record.compact}
    return LabelledArch(record.arch, labels)
