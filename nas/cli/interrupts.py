"""Ctrl-C: the first ends what is under way in good order, a second ends it at once."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""

_GRACE = 0.5
"""Seconds until an interruption that nothing came of is raised again."""


@contextmanager
def interruptible(last_words: str) -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt, and a second one ends the process.

    Code that swallows the exception (a finaliser, a callback from C, a bare `except`) does not
    lose it: it is raised again until it gets through, though never in code that is cleaning up
    because of it. A process that ends at once says `last_words` first. Where Ctrl-C is not
    Python's to handle (in a thread, where it is ignored, where the program has a handler of its
    own), nothing changes.
    """
    if not _ours():
        yield
        return

    def first(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, second)
        _say("\nnas-search: stopping; Ctrl-C again stops at once\n")
        if signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:
            signal.signal(signal.SIGALRM, again)
            signal.setitimer(signal.ITIMER_REAL, _GRACE, _GRACE)
        raise KeyboardInterrupt

    def again(number: int, frame: object) -> None:
        if not _is_being_handled():
            raise KeyboardInterrupt

    def second(number: int, frame: object) -> None:
        _say(f"\n{last_words}\n")
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGALRM) is again:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        # After an interruption, what Python and Ray do at exit is not to be waited for either.
        if signal.getsignal(signal.SIGINT) is first:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_being_handled() -> bool:
    """Whether the interrupted code runs because of a KeyboardInterrupt, as in `finally`."""
    error = sys.exception()
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__context__
    return False


def _ours() -> bool:
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _say(text: str) -> None:
    # Not print: the interrupted code may be in the midst of one.
    with contextlib.suppress(OSError):  # a terminal that is gone
        os.write(2, text.encode(errors="replace"))
