"""A page that is drawn anew when its records have changed, and somebody looks at it."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nas.dashboard.comparison import comparison_page
from nas.dashboard.frames import RunFrames, load_run
from nas.dashboard.growth_rule import GrowthRule
from nas.dashboard.html import element
from nas.dashboard.page import figure_data, plotly_script, render_page
from nas.dashboard.panels import TRIALS
from nas.dashboard.server.watch import Fingerprint, fingerprint
from nas.dashboard.trials import accuracy_against_macs_figure
from nas.dashboard.write import footer, header, run_page
from nas.runs.following import FollowedRecords
from search_spaces.errors import UserError

LOOK_SECONDS = 0.25
"""Seconds between two looks at the files of a page that somebody has open."""
_SHARE = 1.0
"""Seconds of rest after each processor second of drawing."""
_SKETCHED_SECONDS = 5.0
"""Seconds for which sketches do, while records come faster than whole pages are drawn."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page as it was drawn, around the place of plotly.js."""

    before: str
    after: str
    version: str
    """A digest of what it shows: the same again after the server has ended and begun anew."""

    @classmethod
    def of(cls, before: str, after: str) -> "Drawn":
        """The page of these parts."""
        return cls(before, after, hashlib.sha256(f"{before}{after}".encode()).hexdigest()[:16])

    @property
    def content(self) -> bytes:
        """What changes of the page: all but plotly.js."""
        return f"{self._marked()}{self.after}".encode()

    @property
    def page(self) -> bytes:
        """The whole page."""
        return f"{self._marked()}{plotly_script()}{self.after}".encode()

    def _marked(self) -> str:
        mark = f'<head>\n<meta name="version" content="{self.version}">'
        return self.before.replace("<head>", mark, 1)


@dataclass(slots=True)
class LivePage:
    """The page of something that changes."""

    draw: Callable[[], str]
    """The page as text."""
    changes: Callable[[], Fingerprint]
    """What it is drawn from, told cheaply."""
    sketch: Callable[[str], str | None] = lambda before: None
    """The page up to plotly.js with what matters most drawn anew, in a fraction of the time; None
    for what it cannot be drawn into."""
    fetched: str = ""
    """The version that a reader fetched last."""
    _drawn: Drawn | None = None
    _of: Fingerprint | None = None
    """What the whole page was last drawn from."""
    _sketch_of: Fingerprint | None = None
    """What was drawn into it since; None for nothing."""
    _rest: float = 0.0
    """When it may be drawn again, on the monotonic clock."""
    _checked: float = 0.0
    """When its changes were last looked for."""
    _whole: float = 0.0
    """When the whole page was last drawn."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def latest(self) -> Drawn:
        """The page as it is now, drawn anew where something has changed since."""
        with self._lock:
            now = self.changes()
            if self._drawn is None or now != self._of:
                return self._redraw(now)
            return self._drawn

    def current(self) -> Drawn:
        """The page as it was last announced."""
        with self._lock:
            return self._drawn or self._redraw(self.changes())

    def refreshed(self) -> str:
        """The version of the page; it is drawn anew where something changed, unless it rests.

        What has just come is drawn into the page first, and the whole page at the next look.
        """
        with self._lock:
            if self._drawn is None:
                return self._redraw(self.changes()).version
            clock = time.monotonic()
            if clock < max(self._rest, self._checked + LOOK_SECONDS / 2):
                return self._drawn.version
            self._checked, now = clock, self.changes()
            if now == self._of:
                return self._drawn.version
            more = now != self._sketch_of and clock < self._whole + _SKETCHED_SECONDS
            if self._sketch_of is None or more:
                self._sketch_of = now
                begun = time.thread_time()
                if (before := self.sketch(self._drawn.before)) is not None:
                    self._drawn = Drawn.of(before, self._drawn.after)
                    self._rest_since(begun)
                    return self._drawn.version
            return self._redraw(now).version

    def _redraw(self, now: Fingerprint) -> Drawn:
        # What changes while it is drawn differs from `now`, and has it drawn again.
        begun = time.thread_time()
        before, _, after = self.draw().partition(plotly_script())
        self._drawn = Drawn.of(before, after)
        self._of, self._sketch_of, self._whole = now, None, time.monotonic()
        self._rest_since(begun)
        return self._drawn

    def _rest_since(self, begun: float) -> None:
        # By the processor's clock: where the machine is busy, waiting for it is rest enough.
        self._rest = time.monotonic() + _SHARE * (time.thread_time() - begun)


def of_run(run: Path, rule: GrowthRule) -> LivePage:
    """The page of a run folder, which need not be there yet."""
    records = FollowedRecords()
    return LivePage(
        draw=lambda: _drawn_or_told(run, lambda: run_page(load_run(run, rule, records), live=True)),
        changes=lambda: fingerprint(run),
        sketch=lambda before: _with_trials(before, run, rule, records),
    )


def of_runs(runs: Sequence[Path], rule: GrowthRule) -> LivePage:
    """The page of several run folders side by side, with links to a page of each."""
    readers = [FollowedRecords() for _ in runs]

    def draw() -> str:
        frames: list[RunFrames] = [
            load_run(run, rule, records) for run, records in zip(runs, readers, strict=True)
        ]
        links = [f"run-{number}/" for number in range(1, len(runs) + 1)]
        return comparison_page(frames, links, live=True)

    return LivePage(
        draw=lambda: _drawn_or_told(runs[0], draw),
        changes=lambda: tuple(fingerprint(run) for run in runs),
    )


def _with_trials(before: str, run: Path, rule: GrowthRule, records: FollowedRecords) -> str | None:
    """The page with header and trials as they are now; None where it shows no trials yet."""
    begin, end = f'<script type="application/json" data-plot="{TRIALS}">', "</script>"
    head, is_there, rest = before.partition(begin)
    if not is_there:
        return None
    try:
        frames = load_run(run, rule, records)
        if frames.finished.empty:
            return None
        figure = figure_data(TRIALS, accuracy_against_macs_figure(frames))
        top = header(frames).text
        opening, closing = head.index("<header"), head.index("</header>") + len("</header>")
    except Exception:  # drawing the whole page says what is wrong
        return None
    return f"{head[:opening]}{top}{head[closing:]}{figure}{rest.partition(end)[2]}"


def _drawn_or_told(run: Path, draw: Callable[[], str]) -> str:
    """The page, or one that says why it cannot be drawn now, and shows it once it can."""
    try:
        return draw()
    except (UserError, OSError) as error:
        said = str(error)
    except Exception as error:  # a file that went while it was read: the next look finds it gone
        said = f"{type(error).__name__}: {error}"
    told = element(
        "header",
        element("h1", run.resolve().name),
        element("p", "Nothing to show yet; it appears here once there is.", class_="lead"),
        element("p", said, class_="missing"),
    )
    return render_page(f"{run.resolve().name} · nas-search", told, [], footer(), live=True)
