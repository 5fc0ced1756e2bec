"""Plain data: what evaluators say, as YAML and JSON keep it."""

import math
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

_LONGEST = 60
"""Characters of a value in a message."""


def plain(value: Any) -> Any:
    """Give data in Python's own types: mappings, lists, strings, numbers, booleans and None.

    NumPy's numbers and arrays, and tensors, become such. Raises TypeError for whatever else it
    finds, and for NaN, which equals nothing that was written down before.
    """
    if isinstance(value, Mapping):
        return {_name(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and not math.isnan(value):
        return float(value)
    if not isinstance(value, float) and hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"{shortened(value)} is no plain data")


def _name(name: object) -> str | int:
    if isinstance(name, str):
        return str.__str__(name)
    if isinstance(name, int):
        return int(name)
    raise TypeError(f"{shortened(name)} is no name of plain data")


def number(given: Any) -> float | None:
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


def shortened(value: object) -> str:
    """Spell a value for a message, on one line and cut where it is long."""
    try:
        text = " ".join((f"{value:g}" if isinstance(value, float) else repr(value)).split())
    except Exception:  # an object of the evaluator's whose own text fails
        text = f"an object of class {type(value).__qualname__}"
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
