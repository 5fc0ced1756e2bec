"""ProgressLine of long work on the terminal: how many done, best so far, time left."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(slots=True)
class ProgressLine:
    """A line that overwrites itself on a terminal, and a line for each step elsewhere."""

    stage: str
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _width: int = 0
    _open: bool = False

    def __call__(self, done: int, total: int, note: str, seconds_left: float | None) -> None:
        """Say that `done` of `total` steps are finished."""
        line = f"{self.stage} {done}/{total}" + (f" · {note}" if note else "")
        if seconds_left is not None and done < total:
            line += f" · {clock(seconds_left)} left"
        if self.stream.isatty():
            self.stream.write("\r" + line.ljust(self._width) + ("\n" if done >= total else ""))
            self._width = len(line)
        else:
            self.stream.write(line + "\n")
        self.stream.flush()
        self._open = self.stream.isatty() and done < total

    def end(self) -> None:
        """Leave the line as it stands: what is written next begins on a line of its own."""
        if self._open:
            self.stream.write("\n")
            self.stream.flush()
        self._open = False


@dataclass(slots=True)
class Pace:
    """Time left, from the steps that are done after the first: before it, workers start."""

    _first: float | None = None
    _steps: int = 0

    def step(self, missing: int) -> float | None:
        """Seconds left after one more step, with `missing` still to do; None after the first."""
        now = time.monotonic()
        if self._first is None:
            self._first = now
            return None
        self._steps += 1
        return (now - self._first) / self._steps * missing


def clock(seconds: float) -> str:
    """Seconds as m:ss, or h:mm:ss from an hour on."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
