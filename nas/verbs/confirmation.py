"""Confirming a search's best networks in a command: what is asked for, and what it says."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nas.evaluators.asked import stand_alone
from nas.evaluators.base import Evaluator
from nas.executors.base import Executor
from nas.runs.folder import RunFolder, RunStage, logged
from nas.runs.records import Confirmed, Record
from nas.searches.confirmation import Confirmation
from nas.searches.loop import Search
from nas.trainings.log import CONFIRMATION, TrainingLog
from nas.trainings.record import TrainingRecord
from nas.verbs.config import Config
from nas.verbs.evaluation import measured_with, started
from nas.verbs.executor import executor
from nas.verbs.progress import ProgressLine
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationPlan:
    """The confirmation of a search as the configuration asks for it, with nothing started."""

    confirmation: Confirmation
    executor: Callable[[], Executor]
    made_with: Mapping[str, Any]
    """What its records depend on."""

    @classmethod
    def read(
        cls, config: Config, search: Search, evaluator: Evaluator, folder: RunFolder
    ) -> "ConfirmationPlan | None":
        """None where nothing is asked for and nothing on record.

        Raises UserError for an evaluator that has nothing to confirm by, and a damaged log.
        """
        log = TrainingLog(folder.path / CONFIRMATION)
        if not search.settings.confirm and not log.read():
            return None
        alone = stand_alone(evaluator)
        if alone is None:
            raise UserError(
                f"search.confirm: {type(evaluator).__name__} has no training that is more to be "
                f"trusted than its own accuracies; expected 0, or an evaluator of shared weights, "
                f"such as evaluator=supernet"
            )
        return cls(
            confirmation=Confirmation(search, alone, log),
            executor=executor(config, alone, "search.workers", config["search"]["workers"]),
            made_with=measured_with(alone, config),
        )

    @property
    def stage(self) -> RunStage:
        """The stage of a run that its trainings are."""
        log, asked = self.confirmation.log.path, self.confirmation.search.settings.confirm
        return logged("confirm", self.made_with, log, asked={"confirm": asked})

    def run(self, folder: RunFolder) -> None:
        """Do the trainings that are missing, in a run folder that is held."""
        records, evaluator = self.confirmation.search.store.records(), self.confirmation.evaluator

        @contextlib.contextmanager
        def workers() -> Iterator[Executor]:
            with started(self.executor, folder, evaluator, self.made_with["evaluator"]) as made:
                yield made

        count = self.confirmation.run(records, workers, _ConfirmationReport())
        asked = self.confirmation.search.settings.confirm
        if count < asked:
            only = f"only {count} of {asked} networks to confirm are finished and can be trained"
            print(f"nas-search: search.confirm: {only} alone", file=sys.stderr)

    def found(self, records: Sequence[Record]) -> tuple[dict[int, Confirmed], dict[int, str]]:
        """What is known of the records that were trained alone, and why others are not."""
        return self.confirmation.confirmed(records)


@dataclass(frozen=True, slots=True)
class _ConfirmationReport:
    """Tells the terminal of each confirming training."""

    line: ProgressLine = field(default_factory=lambda: ProgressLine("confirm"))

    def __call__(
        self, trained: TrainingRecord, done: int, total: int, seconds_left: float | None
    ) -> None:
        trial = f"trial {trained.labels['trial']}"
        if trained.accuracy is None:
            self.line.end()
            reason = f"{trial}, seed {trained.seed}, is not confirmed: {trained.reason}"
            print(f"nas-search: {reason}", file=sys.stderr)
        said = "failed" if trained.accuracy is None else f"proxy accuracy {trained.accuracy:.4f}"
        self.line(done, total, f"{trial}, trained alone, {said}", seconds_left)
