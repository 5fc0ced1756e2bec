"""The evaluator seam: anything that says how accurate an architecture is."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nas.training.outcomes import Report
from search_spaces.arch import Arch
from search_spaces.errors import UserError

__all__ = [
    "AT_CHANCE",
    "Effort",
    "EvaluationFailed",
    "Evaluator",
    "Measurement",
    "ProgressReport",
    "Report",
]


AT_CHANCE = "cannot be told from chance"
"""The note of an accuracy that answering the commonest class always may reach as well."""


class EvaluationFailed(Exception):
    """A candidate that cannot be given an accuracy: it diverged, or learnt nothing.

    The search records it as failed, with this reason, and goes on.
    """


class ProgressReport(Protocol):
    """Says on the terminal how far long work is."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one evaluation of one architecture with one seed found."""

    accuracy: float
    """Fraction of correct answers, 0 to 1."""
    curve: tuple[float, ...] = ()
    """Accuracy after each epoch, where there are epochs."""
    noise: float | None = None
    """Standard deviation over repetitions, where it is known."""
    note: str = ""
    """What readers of the accuracy should know of how it came about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """About how much computing an evaluator takes, in core-seconds."""

    preparation: float = 0.0
    """What is taken once, before the first evaluation."""
    evaluation: float
    """What one network with one seed takes."""


class Evaluator(ABC):
    """What every evaluator inherits from: `evaluate` is to be written, all else has a default.

    The object travels to worker processes: it has to be picklable, by cloudpickle at least.
    """

    @abstractmethod
    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement | float:
        """Give the accuracy of `arch`; the same `arch` and `seed` give the same answer.

        Raises EvaluationFailed for a candidate that has no accuracy, UserError for what no
        candidate could be evaluated with.
        """

    def check(self, arch: Arch) -> None:
        """Raise UserError for a network that cannot be built or fed, without training anything.

        A search proposes no such network.
        """
        return

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        """Do what all evaluations need once, before the first of them; it may take long.

        Each call of a command runs it, in the process that holds the run folder. `workspace` is a
        folder of the run's, for this evaluator with these settings alone: what is written into it
        stays, so that a call after a kill can go on from there. Evaluations find what was prepared
        through the attributes that are set here. Raises UserError for what would fail every
        evaluation.
        """
        return

    def data_key(self, arch: Arch) -> Hashable | None:
        """Name the data that `arch` is evaluated on; None where each process reads its own."""
        return None

    def load_data(self, key: Hashable) -> Any:
        """Read the data that `data_key` named, once for all workers of a machine.

        They are picklable; NumPy's arrays in them are shared without a copy. Raises UserError for
        data that are not there or cannot be used.
        """
        raise UserError(f"evaluator: {type(self).__qualname__} has data_key(), but no load_data()")

    def with_data(self, data: Any) -> "Evaluator":
        """Give the same evaluator with what `load_data` read at hand."""
        return self

    def reduced_memory(self, times: int) -> "Evaluator":
        """Give the same evaluator needing about half the memory, and half again, `times` times.

        Asked of evaluations whose worker was killed, as for want of memory.
        """
        return self

    def for_scaled_networks(self) -> "Evaluator":
        """Give what measures networks beyond the space: an estimate may hold within it alone."""
        return self

    def stand_alone(self) -> "Evaluator | None":
        """Give what trains each network alone, where that is to be trusted more than this.

        A search confirms its best networks by it. None where nothing is.
        """
        return None

    def effort(self, arch: Arch) -> Effort | None:
        """Say about how much computing the preparation takes, and an evaluation of `arch`.

        It may time a step for that, but takes a moment itself. None where nothing tells.
        """
        return None

    def for_networks(self, networks: Sequence[Arch]) -> "Evaluator":
        """Give what measures these networks, and is asked for no others.

        Verbs that know them all beforehand say so before `prepare`, which may then do for all at
        once what they have in common.
        """
        return self

    def predict_many(self, archs: Sequence[Arch]) -> Sequence[float] | None:
        """Give accuracies without noise, where that is faster than evaluating one by one.

        None where it is not.
        """
        return None

    def exact(self) -> bool:
        """Say whether a measurement is the accuracy itself, not one training of many."""
        return False

    def describe(self) -> Mapping[str, str | int | float]:
        """Say what the accuracy is of (dataset, resolution, epochs, …), for whoever reads it."""
        return {}

    def identity(self) -> Mapping[str, object] | None:
        """Give what accuracies depend on, as plain data; of files their content, not their place.

        None where the settings that the evaluator was made with say it all. Raises UserError for
        files that cannot be read.
        """
        return None

    def class_names(self) -> tuple[str, ...]:
        """Name the classes of the data, in order; () where the networks' own classes are meant.

        Raises UserError for data that cannot be used.
        """
        return ()

    def data_summary(self) -> str:
        """Say in lines for the terminal what was read. Raises UserError as `prepare` does."""
        return ""
