"""Candidates as rows of numbers: positions of options, and the features a model learns from."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from search_spaces.choices import Choice, Params, Scalar

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
"""(n, choices): candidates, each option as its position in its choice."""

_RAMPS = 8
"""Of an ordered choice at most."""
_FINER = 0.5
"""What ramps are scaled by, where a number says the most of it."""
_INDICATORS = 24
"""Features of an unordered choice at most."""


class Encoding:
    """Between params, rows of positions, and features.

    An unordered choice becomes an indicator for each option, scaled to vary by about one. An
    ordered one becomes a number, so that near options are much alike and what a step brought is
    expected of the next; and ramps, one from each option to the next (0 below, 1 above), that
    let a step differ from the others.
    """

    def __init__(self, choices: Sequence[Choice]) -> None:
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

    def rows(self, many: Iterable[Params]) -> Rows:
        """Positions of the options; raises KeyError for one that is not in the space."""
        rows = [
            [at[params[c.name]] for c, at in zip(self.choices, self._positions, strict=True)]
            for params in many
        ]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self.choices))

    def params(self, row: Rows) -> dict[str, Scalar]:
        """What one row stands for."""
        return {
            choice.name: choice.options[position]
            for choice, position in zip(self.choices, row.tolist(), strict=True)
        }

    def features(self, rows: Rows) -> Floats:
        """(n, f): numbers and ramps of ordered choices, indicators of unordered ones."""
        return _looked_up(self._columns, rows)

    def ramps(self, rows: Rows) -> Floats:
        """(n, r): the same without the numbers."""
        return _looked_up(self._ramps, rows)

    def random(self, rng: np.random.Generator, count: int) -> Rows:
        """Rows drawn uniformly."""
        rows: Rows = rng.integers(0, self.sizes, (count, len(self.sizes)))
        return rows

    def neighbours(self, row: Rows, rng: np.random.Generator, most: int) -> Rows:
        """Rows that differ in one choice: all, or `most` of them drawn at random."""
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
    # Too many for an indicator each: codes that are about equally far from each other.
    return _scaled(np.random.default_rng(options).normal(size=(options, _INDICATORS)))


def _ramps(options: int) -> Floats:
    """One for each step; where there are too many, each over several."""
    knots = np.linspace(0, options - 1, min(options - 1, _RAMPS) + 1)
    positions = np.arange(options)[:, None]
    return _scaled(np.clip((positions - knots[:-1]) / np.diff(knots), 0, 1))


def _with_number(ramps: Floats) -> Floats:
    """(options, 1 + ramps); one ramp is a number already."""
    if ramps.shape[1] < 2:
        return ramps
    number = _scaled(np.arange(len(ramps), dtype=np.float64)[:, None])
    return np.hstack([number, _FINER * ramps])


def _scaled(columns: Floats) -> Floats:
    scaled: Floats = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    return scaled
