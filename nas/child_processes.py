"""Processes of our own: Ctrl-C is not theirs to handle, and they end with their parent."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait


@contextmanager
def undisturbed_start() -> Iterator[None]:
    """Processes started inside never see Ctrl-C: ending them is their parent's business."""
    from multiprocessing import resource_tracker  # most calls of the program start none

    # It starts with the first process, and unblocks signals when it does.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """Called in such a process: it ends once its parent has, by whatever signal, and mid-work."""
    threading.Thread(target=_await_parents_end, daemon=True).start()


def _await_parents_end() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
