"""Asking an evaluator, and checking what it says."""

import math
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any

from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement
from nas.training.outcomes import Report
from search_spaces.arch import Arch
from search_spaces.errors import UserError, one_line


def measured(evaluator: Evaluator, arch: Arch, seed: int, report: Report) -> Measurement:
    """Give what the evaluator says of `arch`, in plain numbers: the one place that asks.

    A number alone is taken for the accuracy; numbers may be of any kind, NumPy's and tensors
    included. Raises EvaluationFailed, as the evaluator does, for one that is not finite, and
    UserError for what is no accuracy, as then none of the others will be. What was reported after
    the epochs is the curve where the evaluator gives none.
    """
    reported: dict[int, float] = {}

    def checked(epoch: int, accuracy: float) -> None:
        reported[int(epoch)] = _fraction(accuracy)
        report(int(epoch), reported[int(epoch)])

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
        )
        or tuple(accuracy for _, accuracy in sorted(reported.items()) if math.isfinite(accuracy)),
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
"""How far rounding may take a mean of float32 out of the range of what it averages."""


def _fraction(given: Any) -> float:
    """Give a number from 0 to 1, or one that is not finite; raises UserError for any other."""
    number = _number(given)
    if number is None or (math.isfinite(number) and not -_ROUNDING <= number <= 1 + _ROUNDING):
        hint = "; divide per cent by 100" if number is not None and 1 < number <= 100 else ""
        raise UserError(
            f"evaluator: accuracy of {_shortened(given if number is None else number)}; "
            f"expected a fraction from 0 to 1{hint}"
        )
    return min(max(number, 0.0), 1.0) if math.isfinite(number) else number


def _number(given: Any) -> float | None:
    """Give a number as a plain one, also from an array or a tensor of one element."""
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
