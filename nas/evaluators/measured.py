"""Asking an evaluator for an accuracy, and checking what it says."""

import math
from collections.abc import Iterable
from typing import Any

from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement
from nas.evaluators.plain import number, shortened
from nas.training.outcomes import Report
from search_spaces.arch import Arch
from search_spaces.errors import UserError, one_line
from search_spaces.files import working_folder_kept


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

    with working_folder_kept():
        said: Any = evaluator.evaluate(arch, seed, checked)
    if not isinstance(said, Measurement):
        if number(said) is None:
            raise UserError(
                f"evaluator: {type(evaluator).__qualname__}.evaluate returned "
                f"{shortened(said)}; expected a Measurement, or a fraction from 0 to 1"
            )
        said = Measurement(accuracy=said)
    return Measurement(
        accuracy=_finite(said.accuracy, ""),
        curve=tuple(
            _finite(accuracy, f" after epoch {epoch}")
            for epoch, accuracy in enumerate(_epochs(said.curve), start=1)
        )
        or tuple(accuracy for _, accuracy in sorted(reported.items()) if math.isfinite(accuracy)),
        noise=None if said.noise is None else number(said.noise),
        note=one_line(str(said.note)),
    )


def _epochs(curve: Any) -> Iterable[Any]:
    try:
        return tuple(curve)
    except TypeError:
        raise UserError(
            f"evaluator: a curve of {shortened(curve)}; expected an accuracy for each epoch"
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
    found = number(given)
    if found is None or (math.isfinite(found) and not -_ROUNDING <= found <= 1 + _ROUNDING):
        hint = "; divide per cent by 100" if found is not None and 1 < found <= 100 else ""
        raise UserError(
            f"evaluator: accuracy of {shortened(given if found is None else found)}; "
            f"expected a fraction from 0 to 1{hint}"
        )
    return min(max(found, 0.0), 1.0) if math.isfinite(found) else found
