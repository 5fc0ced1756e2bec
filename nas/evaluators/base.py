"""The evaluator seam: anything that says how accurate an architecture is."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Protocol, runtime_checkable

from search_spaces.arch import Arch
from search_spaces.errors import UserError, one_line

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

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement | float:
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
class Classifying(Protocol):
    """An evaluator whose networks tell classes of its data apart."""

    def class_names(self) -> tuple[str, ...]:
        """The classes' names, in order. Raises UserError for data that cannot be used."""
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


def measured(evaluator: Evaluator, arch: Arch, seed: int, report: Report) -> Measurement:
    """What the evaluator says of `arch`, in plain numbers, and checked: the one place that asks.

    A number alone is taken for the accuracy; numbers may be of any kind, NumPy's and tensors
    included. Raises EvaluationFailed, as the evaluator does, for one that is not finite, and
    UserError for what is no accuracy, as then none of the others will be.
    """

    def checked(epoch: int, accuracy: float) -> None:
        report(int(epoch), _fraction(accuracy))

    said: Any = evaluator.evaluate(arch, seed, checked)
    if not isinstance(said, Measurement):
        if _number(said) is None:
            raise UserError(
                f"evaluator: {type(evaluator).__qualname__}.evaluate returned "
                f"{_shortened(said)}; expected a Measurement, or a fraction from 0 to 1"
            )
        said = Measurement(accuracy=said)
    return Measurement(
        accuracy=_finite(said.accuracy, ""),
        curve=tuple(
            _finite(accuracy, f" after epoch {epoch}")
            for epoch, accuracy in enumerate(_epochs(said.curve), start=1)
        ),
        noise=None if said.noise is None else _number(said.noise),
        note=one_line(str(said.note)),
    )


def _epochs(curve: Any) -> Iterable[Any]:
    try:
        return tuple(curve)
    except TypeError:
        raise UserError(
            f"evaluator: a curve of {_shortened(curve)}; expected an accuracy for each epoch"
        ) from None


def _finite(given: Any, when: str) -> float:
    accuracy = _fraction(given)
    if not math.isfinite(accuracy):
        raise EvaluationFailed(f"the evaluator gave an accuracy of {accuracy}{when}")
    return accuracy


_ROUNDING = 1e-6
"""By how much a mean of float32 may exceed what it is a mean of."""


def _fraction(given: Any) -> float:
    """A number from 0 to 1, or one that is not finite; raises UserError for any other."""
    number = _number(given)
    if number is None or (math.isfinite(number) and not -_ROUNDING <= number <= 1 + _ROUNDING):
        hint = "; divide per cent by 100" if number is not None and 1 < number <= 100 else ""
        raise UserError(
            f"evaluator: accuracy of {_shortened(given if number is None else number)}; "
            f"expected a fraction from 0 to 1{hint}"
        )
    return min(max(number, 0.0), 1.0) if math.isfinite(number) else number


def _number(given: Any) -> float | None:
    """A number as a plain one, also where it is an array or a tensor of one element."""
    if not isinstance(given, Real | Decimal) and hasattr(given, "item"):
        try:
            given = given.item()
        except (TypeError, ValueError, RuntimeError):  # of several elements
            return None
    if isinstance(given, bool) or not isinstance(given, Real | Decimal):
        return None
    try:
        return float(given)
    except (OverflowError, ValueError):  # an integer of 400 digits
        return None


def _shortened(value: object) -> str:
    text = " ".join(f"{value:g}".split() if isinstance(value, float) else repr(value).split())
    return text if len(text) <= 60 else text[:60] + "…"
