"""The time that a search may take: read, spent on record, and left."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from optuna.trial import FrozenTrial

from nas.trainings.pace import Pace
from search_spaces.errors import UserError, shown

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PARTS = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def seconds_of(given: object) -> float:
    """Read a time such as 90s, 30m or 1h30m, in seconds. Raises UserError for anything else."""
    parts = _PARTS.findall(given) if isinstance(given, str) else []
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if "".join(map("".join, parts)) != given or not 0 < seconds < 1e9:
        raise UserError(f"expected a time such as 90s, 30m or 2h, got {shown(given)}")
    return seconds


@dataclass(slots=True)
class TimeBudget:
    """Wall-clock time: what the trials on record took, and what has passed since then."""

    seconds: float
    spent: float
    """Seconds that earlier calls spent."""
    _began: float = field(default_factory=lambda: monotonic())

    @classmethod
    def of(cls, given: str, trials: Iterable[FrozenTrial]) -> "TimeBudget":
        """Give a budget that begins to run now. Raises UserError for what is no time."""
        return cls(seconds_of(given), on_record(trials))

    @property
    def passed(self) -> float:
        """Seconds that are spent, in earlier calls and in this one."""
        return self.spent + monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds that are left; below 0 where it was not kept."""
        return self.seconds - self.passed

    def fits(self, seconds: float | None) -> bool:
        """Whether a trial of so many seconds would end in time.

        One of which nothing tells how long it takes fits while there is time at all.
        """
        return self.left > 0 and (seconds is None or seconds <= self.left)


@dataclass(slots=True)
class Timing:
    """What a search has learnt of time, for whoever tells of it."""

    pace: Pace = field(default_factory=Pace)
    """How long trials take, by those that this call has finished."""
    clock: TimeBudget | None = None
    """The time that is left, once the search has begun, where it counts in place of trials."""

    def trials_left(self, macs: float) -> float | None:
        """How many trials of so many MACs the time has room for; None where nothing tells."""
        each = self.pace.left([macs] * self.pace.workers)
        if self.clock is None or not each:
            return None
        return max(0.0, self.clock.left) / each * self.pace.workers


def on_record(trials: Iterable[FrozenTrial]) -> float:
    """Seconds in which at least one of the trials was under way: those side by side count once."""
    spans = sorted(
        (trial.datetime_start.timestamp(), trial.datetime_complete.timestamp())
        for trial in trials
        if trial.datetime_start is not None and trial.datetime_complete is not None
    )
    whole, end = 0.0, float("-inf")
    for start, complete in spans:
        whole += max(0.0, complete - max(start, end))
        end = max(end, complete)
    return whole
