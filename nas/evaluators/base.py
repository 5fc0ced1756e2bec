"""The evaluator seam: anything that says how accurate an architecture is."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from search_spaces.arch import Arch

Report = Callable[[int, float], None]
"""Called after each epoch with its number, from 0, and the accuracy reached."""


class EvaluationFailed(Exception):
    """A candidate that cannot be given an accuracy: it diverged, or learnt nothing.

    The search records it as failed, with this reason, and goes on.
    """


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


class Evaluator(Protocol):
    """Inherit from it, or just have its methods; name the class in `evaluator._target_`."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """The accuracy of `arch`; the same `arch` and `seed` give the same answer.

        Raises EvaluationFailed for a candidate that has no accuracy, UserError for what no
        candidate could be evaluated with.
        """
        ...

    def describe(self) -> Mapping[str, str | int | float]:
        """What the accuracy is of (dataset, resolution, epochs, …), for whoever reads it."""
        return {}

    def exact(self) -> bool:
        """Whether a measurement is the accuracy itself, not one training of many that differ."""
        return False

    def prepare(self) -> None:
        """Raises UserError for what would fail every evaluation, before any is started."""


@runtime_checkable
class Sparing(Protocol):
    """An evaluator that can do with less memory, for evaluations whose worker was killed for it."""

    def sparing(self, halvings: int) -> Evaluator:
        """The same evaluator, needing about half the memory for each of the `halvings`."""
        ...


@runtime_checkable
class Sharing(Protocol):
    """An evaluator of which one process can read the data for all others."""

    def needs(self, arch: Arch) -> Hashable | None:
        """The name of what `arch` is evaluated on; None for what each process has to read."""
        ...

    def fetch(self, need: Hashable) -> Any:
        """What goes by that name, picklable; arrays of NumPy's in it are shared without a copy.

        Raises UserError for data that is not there or cannot be used.
        """
        ...

    def given(self, data: Any) -> Evaluator:
        """The same evaluator with what was fetched at hand."""
        ...


@runtime_checkable
class Checking(Protocol):
    """An evaluator that tells beforehand which networks it cannot build or feed."""

    def check(self, arch: Arch) -> None:
        """Raises UserError for such a network, without training anything."""
        ...


@runtime_checkable
class Reading(Protocol):
    """An evaluator that reads data, and says what they are."""

    def found(self) -> str:
        """Lines for the terminal. Raises UserError as `prepare`."""
        ...


@runtime_checkable
class Estimating(Protocol):
    """An evaluator whose answers hold for networks of its space alone, made of measurements."""

    def measuring(self) -> Evaluator:
        """What measures, for networks beyond the space: scaled ones, say."""
        ...


def measuring(evaluator: Evaluator) -> Evaluator:
    """The evaluator for networks that are not of the space."""
    return evaluator.measuring() if isinstance(evaluator, Estimating) else evaluator
