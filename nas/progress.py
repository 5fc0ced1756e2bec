"""Progress of long work on the terminal: how many done, best so far, time left."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(slots=True)
class Progress:
    """A line that overwrites itself on a terminal, and a line for each step elsewhere."""

    stage: str
    total: int
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _started: float = field(default_factory=time.monotonic)
    _first: int | None = None
    _width: int = 0

    def __call__(self, done: int, note: str = "") -> None:
        """`done` of `total` are finished; what was done before this call began is no measure."""
        if self._first is None:
            self._first = done - 1
        left = self._left(done)
        line = f"{self.stage} {done}/{self.total}" + (f" · {note}" if note else "")
        line += f" · {clock(left)} left" if left is not None and done < self.total else ""
        if self.stream.isatty():
            self.stream.write("\r" + line.ljust(self._width) + ("\n" if done >= self.total else ""))
            self._width = len(line)
        else:
            self.stream.write(line + "\n")
        self.stream.flush()

    def _left(self, done: int) -> float | None:
        steps = done - (self._first or 0)
        if steps < 1:
            return None
        return (time.monotonic() - self._started) / steps * (self.total - done)


def clock(seconds: float) -> str:
    """Seconds as m:ss, or h:mm:ss from an hour on."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
