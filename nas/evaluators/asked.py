"""Asking an evaluator for all but accuracies, and checking what it says.

Whoever asks gets what the base class promises, a UserError as the evaluator raises it, or
EvaluatorFailed, which names the method, the file and the line.
"""

import contextlib
import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from nas.evaluators.base import Effort, Evaluator
from nas.evaluators.faults import EvaluatorFailed, definition, told, trace
from nas.evaluators.plain import number, plain, shortened
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import working_folder_kept


def check(evaluator: Evaluator, arch: Arch) -> None:
    """Raise UserError for a network that cannot be built or fed."""
    with _asking(evaluator, "check"):
        evaluator.check(arch)


def description(evaluator: Evaluator) -> dict[str, str | int | float]:
    """Give what the accuracy is of, as plain data."""
    with _asking(evaluator, "describe"):
        said: Any = evaluator.describe()
        found = _plain(evaluator, "describe", said, _NAMED)
        scalars = all(isinstance(value, str | int | float) for value in found.values())
        if not scalars or not all(isinstance(name, str) for name in found):
            raise _unexpected(evaluator, "describe", said, _NAMED)
        return found


_NAMED = "a mapping of names to strings and numbers"


def identity(evaluator: Evaluator) -> dict[str, Any] | None:
    """Give what accuracies depend on, as plain data; None where the settings say it."""
    with _asking(evaluator, "identity"):
        said: Any = evaluator.identity()
        return None if said is None else _plain(evaluator, "identity", said, _PLAIN)


_PLAIN = "a mapping of names to plain data, or None"


def exact(evaluator: Evaluator) -> bool:
    """Say whether accuracies are free of noise."""
    with _asking(evaluator, "exact"):
        said: Any = evaluator.exact()
        truth = said.item() if hasattr(said, "item") else said
        if not isinstance(truth, bool):
            raise _unexpected(evaluator, "exact", said, "True or False")
        return truth


def class_names(evaluator: Evaluator) -> tuple[str, ...]:
    """Give the names of the data's classes, in order."""
    with _asking(evaluator, "class_names"):
        said: Any = evaluator.class_names()
        if not isinstance(said, tuple | list) or not all(isinstance(name, str) for name in said):
            raise _unexpected(evaluator, "class_names", said, "a tuple of strings")
        return tuple(str.__str__(name) for name in said)


def data_summary(evaluator: Evaluator) -> str:
    """Give lines that say what was read."""
    with _asking(evaluator, "data_summary"):
        said: Any = evaluator.data_summary()
        if not isinstance(said, str):
            raise _unexpected(evaluator, "data_summary", said, "a string")
        return said


def predict_many(evaluator: Evaluator, archs: Sequence[Arch]) -> list[float] | None:
    """Give accuracies without noise; None where evaluating one by one is no slower."""
    with _asking(evaluator, "predict_many"):
        said: Any = evaluator.predict_many(archs)
        if said is None:
            return None
        found = [number(each) for each in said]
        known = [each for each in found if each is not None]
        if len(known) != len(archs) or len(found) != len(archs):
            expected = f"a number for each of {len(archs)} networks, or None"
            raise _unexpected(evaluator, "predict_many", said, expected)
        return known


def data_key(evaluator: Evaluator, arch: Arch) -> Hashable | None:
    """Name the data that `arch` is evaluated on; None where each process reads its own."""
    with _asking(evaluator, "data_key"):
        key = evaluator.data_key(arch)
        try:
            hash(key)
        except TypeError:
            raise _unexpected(evaluator, "data_key", key, "a hashable name, or None") from None
        return key


def load_data(evaluator: Evaluator, key: Hashable) -> Any:
    """Read the data that `data_key` named."""
    with _asking(evaluator, "load_data"):
        return evaluator.load_data(key)


def with_data(evaluator: Evaluator, data: Any) -> Evaluator:
    """Give the same evaluator with what `load_data` read at hand."""
    with _asking(evaluator, "with_data"):
        return _evaluator(evaluator, "with_data", evaluator.with_data(data))


def reduced_memory(evaluator: Evaluator, times: int) -> Evaluator:
    """Give the same evaluator needing about half the memory, `times` times."""
    with _asking(evaluator, "reduced_memory"):
        return _evaluator(evaluator, "reduced_memory", evaluator.reduced_memory(times))


def for_scaled_networks(evaluator: Evaluator) -> Evaluator:
    """Give what measures networks beyond the space."""
    with _asking(evaluator, "for_scaled_networks"):
        return _evaluator(evaluator, "for_scaled_networks", evaluator.for_scaled_networks())


def stand_alone(evaluator: Evaluator) -> Evaluator | None:
    """Give what trains each network alone, where that is to be trusted more; None for nothing."""
    with _asking(evaluator, "stand_alone"):
        said: Any = evaluator.stand_alone()
        return None if said is None else _evaluator(evaluator, "stand_alone", said)


def effort(evaluator: Evaluator, arch: Arch) -> Effort | None:
    """Say about how much computing the evaluator takes; None where nothing tells."""
    with _asking(evaluator, "effort"):
        said: Any = evaluator.effort(arch)
        if said is not None and not isinstance(said, Effort):
            raise _unexpected(evaluator, "effort", said, "an Effort, or None")
        return said


def for_networks(evaluator: Evaluator, networks: Sequence[Arch]) -> Evaluator:
    """Give what measures these networks, and is asked for no others."""
    with _asking(evaluator, "for_networks"):
        return _evaluator(evaluator, "for_networks", evaluator.for_networks(networks))


@contextlib.contextmanager
def _asking(evaluator: Evaluator, method: str) -> Iterator[None]:
    try:
        # The program's own output is its answer.
        with working_folder_kept(), contextlib.redirect_stdout(sys.stderr):
            yield
    except (UserError, EvaluatorFailed, KeyboardInterrupt):
        raise
    except BaseException as error:
        name = f"{type(evaluator).__qualname__}.{method}"
        reason = f"evaluator: {name} failed: {told(evaluator, error, method)}"
        raise EvaluatorFailed(reason, trace(error)) from error


def _unexpected(evaluator: Evaluator, method: str, said: object, expected: str) -> EvaluatorFailed:
    name = f"{type(evaluator).__qualname__}.{method}{definition(evaluator, method)}"
    return EvaluatorFailed(f"evaluator: {name} returned {shortened(said)}; expected {expected}")


def _plain(evaluator: Evaluator, method: str, said: Any, expected: str) -> dict[str, Any]:
    if isinstance(said, Mapping):
        try:
            found: dict[str, Any] = plain(said)
        except TypeError as error:
            raise _unexpected(evaluator, method, said, f"{expected}: {error}") from None
        return found
    raise _unexpected(evaluator, method, said, expected)


def _evaluator(evaluator: Evaluator, method: str, said: Any) -> Evaluator:
    if not isinstance(said, Evaluator):
        raise _unexpected(evaluator, method, said, "an Evaluator")
    return said
