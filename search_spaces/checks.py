"""Checks of single values, shared by the descriptions of networks. Each raises UserError."""

from collections.abc import Sequence

from search_spaces.errors import UserError, shown
from search_spaces.limits import MOST_KERNEL


def check_count(name: str, value: int, most: int) -> None:
    """Refuses what is not from 1 to `most`."""
    if value < 1:
        raise UserError(f"{name}: expected at least 1, got {shown(value)}")
    if value > most:
        raise UserError(f"{name}: expected at most {most}, got {shown(value)}")


def check_kernel(name: str, value: int) -> None:
    """Refuses what is not the side of a kernel that has a centre."""
    if value < 1 or value % 2 == 0:
        raise UserError(f"{name}: expected an odd number, got {shown(value)}")
    check_count(name, value, MOST_KERNEL)


def check_one_of(name: str, value: object, options: Sequence[object]) -> None:
    """Refuses what is not among `options`."""
    if value not in options:
        raise UserError(
            f"{name}: expected one of {', '.join(map(str, options))}, got {shown(value)}"
        )


def check_within(name: str, value: float, low: float, high: float) -> None:
    """Refuses what is not from `low` to `high`, NaN too."""
    if not low <= value <= high:
        raise UserError(f"{name}: expected a number from {low} to {high}, got {shown(value)}")
