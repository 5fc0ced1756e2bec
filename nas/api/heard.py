"""Who hears what a call has to say while it works: the terminal where it is asked for."""

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = logging.getLogger("nas")
"""Hears what is not printed, at level INFO."""


@contextmanager
def heard(progress: bool) -> Iterator[None]:
    """Inside, what is printed goes to standard error with `progress`, else to the logger `nas`.

    The streams are the process's: calls in two threads would hear each other.
    """
    if progress:
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    lines = _Lines()
    with contextlib.redirect_stdout(lines), contextlib.redirect_stderr(lines):
        try:
            yield
        finally:
            lines.end()


class _Lines(io.TextIOBase):
    """Gives the logger each line that is written."""

    def __init__(self) -> None:
        self._begun = ""

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in filter(None, whole):
            LOGGER.info("%s", line)
        return len(text)

    def end(self) -> None:
        """Give it the line that has no end."""
        if self._begun:
            LOGGER.info("%s", self._begun)
        self._begun = ""
