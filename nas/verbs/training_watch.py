"""What the terminal is told of a whole training."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from nas.training.train import Progress, Unheard, Watch
from nas.verbs.progress import ProgressLine, clock

_SURE = 5.0
"""Seconds after which the time that a training takes is told."""


@contextmanager
def watching(name: str, epochs: int, rank: int) -> Iterator[Watch]:
    """Who tells the terminal of a training; of several processes, only the first does."""
    if rank > 0:
        yield Unheard()
        return
    watch = _Terminal(name, epochs)
    try:
        yield watch
    finally:
        watch.line.end()


@dataclass(slots=True)
class _Terminal:
    """Tells the terminal how a training goes."""

    name: str
    epochs: int
    line: ProgressLine = field(init=False)
    started: float = field(default_factory=time.monotonic)
    told: float = 0.0
    estimated: bool = False
    note: str = ""
    best: float = 0.0

    def __post_init__(self) -> None:
        self.line = ProgressLine(f"train {self.name}")

    def progress(self, now: Progress) -> None:
        """Say how far it is: at each epoch's end, and on a terminal every second."""
        clock_now = time.monotonic()
        if now.row is not None:
            accuracy = now.row.minival
            self.note = f"loss {now.row.train_loss:.3f}, {now.row.seconds:.1f} s an epoch"
            if accuracy is not None:
                self.best = max(self.best, accuracy)
                self.note += f", minival {accuracy:.4f} (best {self.best:.4f})"
        sure = now.row is None and clock_now - self.started >= _SURE
        if sure and now.seconds_left is not None and not self.estimated:
            self.estimated = True
            self.say(f"takes about {clock(now.seconds_left)} more")
        step = f", step {now.step}/{now.steps}" if now.row is None else ""
        if now.row is not None or (self.line.stream.isatty() and clock_now - self.told >= 1):
            self.told, self.estimated = clock_now, True
            self.line(now.epoch, now.epochs, f"{self.note}{step}".strip(", "), now.seconds_left)

    def say(self, line: str) -> None:
        """Say what a user should know, on a line of its own."""
        self.line.end()
        say(f"train {self.name}: {line}")


def say(line: str) -> None:
    """Print a line beside the results."""
    print(line, file=sys.stderr, flush=True)
