"""A thread that tells a tracker what comes on record, and never gets in the way of the run."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from nas.runs.passwords import without_passwords
from nas.trackers.base import Series, Session, TrackedRun, Tracker
from search_spaces.errors import one_line

SECONDS = 2.0
"""Seconds between looks at the records, at least."""
_SHARE = 20
"""Times as long as a look took, it waits for the next: many records are looked at more rarely."""
PATIENCE = 60.0
"""Seconds that the end of a run waits for its tracker, which may be a server far away."""
IMPATIENCE = 5.0
"""The same for a run that was interrupted."""


@dataclass(slots=True)
class Follower:
    """Tells a tracker the records of a run, each once.

    The records are the truth: what a kill, a failure or a lost connection kept from the tracker is
    told by the next call. A tracker that raises anything is told no more in this call.
    """

    tracker: Tracker
    run: Callable[[], TrackedRun]
    records: Callable[[], Iterable[Series]]
    say: Callable[[str], None]
    """It is called with one line where the tracker fails."""
    _session: Session | None = None
    _told: dict[str, int] = field(default_factory=dict)
    """The last step that the tracker knows of each series."""
    _over: set[str] = field(default_factory=set)
    """Series that were told to their end."""
    _end: threading.Event = field(default_factory=threading.Event)
    _dropped: bool = False
    """Whether the last look is to be left out."""
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, in a while: by then most mistakes have ended the call."""
        self._thread = threading.Thread(target=self._follow, name="tracker", daemon=True)
        self._thread.start()

    def finish(self, patience: float = PATIENCE) -> None:
        """Tell what is left, and wait for it for so many seconds at most."""
        self._end.set()
        assert self._thread is not None
        self._thread.join(patience)
        if self._thread.is_alive():
            self.say(f"tracker: not everything was told in {patience:.0f} s; {_LATER}")

    def drop(self) -> None:
        """Tell no more where nothing was told yet: the call ends by a mistake."""
        self._dropped = self._session is None
        self.finish(IMPATIENCE)

    def _follow(self) -> None:
        try:
            wait = SECONDS
            while not self._end.wait(wait):
                began = time.monotonic()
                self._tell(last=False)
                wait = max(SECONDS, _SHARE * (time.monotonic() - began))
            if not self._dropped:
                self._tell(last=True)
            if self._session is not None:
                self._session.close()
        except Exception as error:  # each tracker has errors of its own
            said = one_line(without_passwords(f"{type(error).__name__}: {error}"))[:_MOST]
            self.say(f"tracker: {said}; the run goes on, and {_LATER}")

    def _tell(self, last: bool) -> None:
        for series in self.records():
            if series.name in self._over:
                continue
            if self._session is None:
                self._session = self.tracker.open(self.run())
            if series.name not in self._told:
                self._told[series.name] = self._session.begin(series)
            new = [point for point in series.points if point.step > self._told[series.name]]
            if new:
                self._session.tell(series, new)
                self._told[series.name] = new[-1].step
            if series.over or last:
                self._session.end(series)
            if series.over:
                self._over.add(series.name)


_MOST = 300
_LATER = "the same command tells the tracker what is left"
