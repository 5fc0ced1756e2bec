"""Candidates as rows of numbers: positions of options, and the features a model learns from."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from search_spaces.choices import Choice, Scalar
    from search_spaces.space import Params

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
"""(n, choices): a candidate a row, each option as its position in its choice"""

_RAMPS = 8
"""The most ramps that an ordered choice becomes"""
_RAMP_SCALE = 0.5
"""Ramps are scaled down by this, for the number is to explain most of what a choice does."""
_INDICATORS = 24
"""The most features that an unordered choice becomes"""


class Encoding:
    """The encoding of candidates: of params as rows of positions, and of rows as features.

    An unordered choice becomes an indicator for each option, scaled to a standard deviation of
    about one. An ordered choice becomes a number, so that neighbouring options are alike and a step
    is expected to bring what the last one brought; and ramps, one from each option to the next
    (0 below, 1 above), that let a step differ from the others.
    """

    def __init__(self, choices: "Sequence[Choice]") -> None:
        self.choices = tuple(choices)
        self.sizes = np.array([len(choice.options) for choice in choices], dtype=np.int64)
        self._positions = [
            {option: position for position, option in enumerate(choice.options)}
            for choice in choices
        ]
        self._ramps = [_columns(choice) for choice in choices]
        self._columns = [
            _with_number(columns) if choice.ordered else columns
            for choice, columns in zip(choices, self._ramps, strict=True)
        ]

    def rows(self, many: "Iterable[Params]") -> Rows:
        """Positions of the options; raises KeyError for an option that is not in the space."""
        rows = [
            [at[params[c.name]] for c, at in zip(self.choices, self._positions, strict=True)]
            for params in many
        ]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self.choices))

    def params(self, row: Rows) -> "dict[str, Scalar]":
        """The options that one row stands for, by the names of their choices."""
        return {
            choice.name: choice.options[position]
            for choice, position in zip(self.choices, row.tolist(), strict=True)
        }

    def features(self, rows: Rows) -> Floats:
        """Numbers and ramps of ordered choices, indicators of unordered ones; (n, f)."""
        return _looked_up(self._columns, rows)

    def ramps(self, rows: Rows) -> Floats:
        """The ramps of ordered choices and indicators of unordered ones alone; (n, r)."""
        return _looked_up(self._ramps, rows)

    def random(self, rng: np.random.Generator, count: int) -> Rows:
        """`count` rows drawn uniformly; (count, choices)."""
        rows: Rows = rng.integers(0, self.sizes, (count, len(self.sizes)))
        return rows

    def neighbours(self, row: Rows, rng: np.random.Generator, most: int) -> Rows:
        """Rows that differ from `row` in one choice: all, or `most` of them drawn at random."""
        owner = np.repeat(np.arange(len(self.sizes)), self.sizes - 1)
        step = np.concatenate([np.arange(1, size) for size in self.sizes], dtype=np.int64)
        if len(owner) > most:
            drawn = rng.choice(len(owner), most, replace=False)
            owner, step = owner[drawn], step[drawn]
        rows = np.repeat(row[None], len(owner), axis=0)
        rows[np.arange(len(owner)), owner] = (row[owner] + step) % self.sizes[owner]
        return rows


def _looked_up(columns: list[Floats], rows: Rows) -> Floats:
    parts = [of_choice[rows[:, i]] for i, of_choice in enumerate(columns)]
    return np.hstack([np.empty((len(rows), 0)), *parts])


def _columns(choice: "Choice") -> Floats:
    """(options, features): ramps or indicators of one choice."""
    options = len(choice.options)
    if options < 2:
        return np.empty((options, 0))
    if choice.ordered or options == 2:
        return _ramps(options)
    if options <= _INDICATORS:
        indicators: Floats = _scaled(np.eye(options)) * np.sqrt(0.5)
        return indicators
    # There are too many options for an indicator each, so each gets a random code: such codes are
    # about equally far from each other.
    return _scaled(np.random.default_rng(options).normal(size=(options, _INDICATORS)))


def _ramps(options: int) -> Floats:
    """A ramp for each step; where there are too many steps, a ramp spans several."""
    knots = np.linspace(0, options - 1, min(options - 1, _RAMPS) + 1)
    positions = np.arange(options)[:, None]
    return _scaled(np.clip((positions - knots[:-1]) / np.diff(knots), 0, 1))


def _with_number(ramps: Floats) -> Floats:
    """The number and the scaled ramps of a choice; (options, 1 + ramps).

    Where there is one ramp alone, it is the number already.
    """
    if ramps.shape[1] < 2:
        return ramps
    number = _scaled(np.arange(len(ramps), dtype=np.float64)[:, None])
    return np.hstack([number, _RAMP_SCALE * ramps])


def _scaled(columns: Floats) -> Floats:
    scaled: Floats = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    return scaled
