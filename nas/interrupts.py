"""Ctrl-C: the first ends what is under way in good order, a second ends it at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""


@contextmanager
def interruptible(last_words: str) -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt once, and after that ends the process.

    A process that ends at once says `last_words` first. Where Ctrl-C is not Python's to handle (in
    a thread, where it is ignored, where the program has a handler of its own), nothing changes.
    """
    if not _ours():
        yield
        return

    def first(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, second)
        _say("\nnas-search: stopping; Ctrl-C again stops at once\n")
        raise KeyboardInterrupt

    def second(number: int, frame: object) -> None:
        _say(f"\n{last_words}\n")
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        # After an interruption, what Python and Ray do at exit is not to be waited for either.
        if signal.getsignal(signal.SIGINT) is first:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _ours() -> bool:
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _say(text: str) -> None:
    # Not print: the interrupted code may be in the midst of one.
    os.write(2, text.encode())
