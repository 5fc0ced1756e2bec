"""Two threads that take turns: one decides which jobs there are, the other runs Ray Tune."""

import queue
from collections import deque
from threading import Semaphore
from typing import Any

from nas.executors.base import Job, Outcome


class Ended(BaseException):
    """Raised inside of Tune when nobody waits for its jobs any more.

    It is no Exception: Tune handles those itself.
    """


class Relay:
    """Jobs for Tune, and outcomes from it."""

    def __init__(self) -> None:
        self.over = False
        """Whether there will be no more jobs."""
        self._at_once = False
        self._jobs: deque[Job] = deque()
        self._outcomes: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        self._turn = Semaphore(0)
        self._waiting = False

    def __reduce__(self) -> tuple[type["Relay"], tuple[Any, ...]]:
        # Tune saves its hooks for a resumption that is never asked for: the records are the state.
        return Relay, ()

    # The side of whoever wants the jobs done.

    def submit(self, job: Job) -> None:
        """Have a job done at Tune's next turn."""
        self._jobs.append(job)

    def proceed(self) -> None:
        """Give Tune its turn, where it waits for that."""
        if self._waiting:
            self._waiting = False
            self._turn.release()

    def outcome(self, timeout: float) -> Outcome | None:
        """The next outcome, after which Tune waits for `proceed`; None where none comes in time.

        Raises what ended Tune before its jobs.
        """
        try:
            found = self._outcomes.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(found, BaseException):
            raise found
        self._waiting = True
        return found

    def end(self, at_once: bool) -> None:
        """Let Tune come to its end: once its jobs are done, or in the midst of them."""
        self.over, self._at_once = True, at_once
        self._turn.release()  # of whichever outcome, read or not, it waits after

    # The side of Tune's thread.

    def next_job(self) -> Job | None:
        """A job that was submitted; None where there is none now."""
        return self._jobs.popleft() if self._jobs else None

    def hand_over(self, outcome: Outcome) -> None:
        """Give an outcome away, and wait until it is dealt with. Raises Ended as `check` does."""
        self.check()
        self._outcomes.put(outcome)
        self._turn.acquire()
        self.check()

    def stopped(self, error: BaseException) -> None:
        """Tell whoever waits that no more outcomes will come."""
        self._outcomes.put(error)

    def check(self) -> None:
        """Raises Ended where Tune is to end in the midst of its jobs."""
        if self._at_once:
            raise Ended
