"""Ctrl-C and SIGTERM: the first ends what is under way in good order, a second ends it at once."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""
TERMINATED = 143
"""The exit code of what SIGTERM ended, as batch systems send it before they kill."""

_TORCHRUN = "TORCHELASTIC_RUN_ID"
"""A variable of processes that torchrun started: it ends them by SIGTERM, and says why itself."""
_GRACE = 0.5
"""Seconds until an interruption that nothing came of is raised again."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what cleans up behind Ctrl-C does so behind this, too."""


@contextmanager
def interruptible(last_words: str) -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt and SIGTERM Terminated; a second ends the process.

    Code that swallows the exception (a finaliser, a callback from C, a bare `except`) does not
    lose it: it is raised again until it gets through, though never in code that is cleaning up
    because of it. A process that ends at once says `last_words` first. Where a signal is not
    Python's to handle (in a thread, where it is ignored, where the program has a handler of its
    own), nothing changes.
    """
    heard = _ours()
    raised: list[type[KeyboardInterrupt]] = []

    def first(number: int, frame: object) -> None:
        for each in heard:
            signal.signal(each, second)
        raised.append(Terminated if number == signal.SIGTERM else KeyboardInterrupt)
        _say("\nnas-search: stopping; Ctrl-C again stops at once\n")
        if signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:
            signal.signal(signal.SIGALRM, again)
            signal.setitimer(signal.ITIMER_REAL, _GRACE, _GRACE)
        raise raised[0]

    def again(number: int, frame: object) -> None:
        if not _is_being_handled():
            raise raised[0]

    def second(number: int, frame: object) -> None:
        _say(f"\n{last_words}\n")
        os._exit(TERMINATED if number == signal.SIGTERM else INTERRUPTED)

    for each in heard:
        signal.signal(each, first)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGALRM) is again:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        # After an interruption, what Python and Ray do at exit is not to be waited for either.
        for each, before in heard.items():
            if signal.getsignal(each) is first:
                signal.signal(each, before)


def _is_being_handled() -> bool:
    """Whether the interrupted code runs because of a KeyboardInterrupt, as in `finally`."""
    error = sys.exception()
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__context__
    return False


def _ours() -> dict[signal.Signals, Any]:
    """The signals to handle, and what handles them as long as nobody does."""
    usual: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler}
    if _TORCHRUN not in os.environ:
        usual[signal.SIGTERM] = signal.SIG_DFL
    in_main = threading.current_thread() is threading.main_thread()
    return {each: by for each, by in usual.items() if in_main and signal.getsignal(each) is by}


def _say(text: str) -> None:
    # Not print: the interrupted code may be in the midst of one.
    with contextlib.suppress(OSError):  # a terminal that is gone
        os.write(2, text.encode(errors="replace"))
