"""What a tracker is, and what it is told: series of values by step, and the facts about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Fact = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Point:
    """Values at a step: a trial, a training or an epoch."""

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One thing that is followed: a search, one of its trials, a whole training."""

    name: str
    """`search`, `search/trial_0003`, `train/b0`: what comes before a slash is the whole."""
    settings: Mapping[str, Fact] = field(default_factory=dict)
    """What it was made with: settings, or the choices of a trial."""
    points: Sequence[Point] = ()
    """In the order of their steps, which grow."""
    notes: Mapping[str, Fact] = field(default_factory=dict)
    """What is known when it is over, such as where its weights lie."""
    files: Sequence[Path] = ()
    """What came of it; there may be others later, of the same names."""
    over: bool = False
    """Whether there will be no more points."""


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """The run folder whose records are told."""

    folder: Path
    identity: str
    """What tells it from all others, wherever it is moved."""

    @property
    def name(self) -> str:
        """What readers call it."""
        return self.folder.resolve().name


class Session(Protocol):
    """A connection to a tracker. Whatever a method raises ends the telling, never the run."""

    def begin(self, series: Series) -> int:
        """Make the series known with its settings, or find it again.

        Returns the last step that it was told in earlier calls; -1 for none. Points up to that are
        not told again.
        """
        ...

    def tell(self, series: Series, points: Sequence[Point]) -> None:
        """Put points of a series that was begun on record, in order."""
        ...

    def end(self, series: Series) -> None:
        """Put the notes and files of a series on record; more than once, where they change."""
        ...

    def close(self) -> None:
        """Let go, with everything on record."""
        ...


class Tracker(Protocol):
    """Where runs are followed; name the class in `tracker._target_`."""

    def check(self) -> None:
        """Raises UserError where something that it needs is missing, before anything starts."""
        ...

    def open(self, run: TrackedRun) -> Session:
        """Connect, once the run has its first record."""
        ...


@dataclass(frozen=True, slots=True)
class NoTracker:
    """Tells nobody."""

    def check(self) -> None:
        """Nothing is needed."""

    def open(self, run: TrackedRun) -> Session:
        return _Nobody()


class _Nobody:
    def begin(self, series: Series) -> int:
        return -1

    def tell(self, series: Series, points: Sequence[Point]) -> None:
        """Nobody is told."""

    def end(self, series: Series) -> None:
        """Nobody is told."""

    def close(self) -> None:
        """Nothing is open."""
