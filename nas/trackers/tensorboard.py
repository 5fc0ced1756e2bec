"""TensorBoard: event files in the run folder, one a series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nas.defaults.conf import default
from nas.trackers.base import Fact, Point, Series, Session, TrackedRun
from nas.trackers.event_file import EventFile
from search_spaces.errors import UserError
from search_spaces.files import subfolder


@dataclass(frozen=True, slots=True)
class TensorBoard:
    """Writes event files; `tensorboard --logdir RUN/tensorboard` shows them.

    Whoever looks needs TensorBoard; whoever writes needs nothing.
    """

    folder: str = default("tracker/tensorboard", "folder")
    """The folder's name, in the run folder."""

    def __post_init__(self) -> None:
        name = self.folder
        if not name or Path(name).name != name or name.startswith("."):
            raise UserError(f"folder: expected the name of a folder, got {self.folder!r}")

    def check(self) -> None:
        """Nothing is needed."""

    def open(self, run: TrackedRun) -> Session:
        return _EventFiles(subfolder(run.folder, self.folder))


@dataclass(slots=True)
class _EventFiles:
    """The event files of a run, each gone on with where it ends."""

    root: Path
    _said: dict[str, Mapping[str, Fact]] = field(default_factory=dict)
    """The notes of each series that were written in this call."""

    def begin(self, series: Series) -> int:
        folder = self.root
        for part in series.name.split("/"):
            folder = subfolder(folder, part)
        file = self._file(series)
        last = file.last_step()
        if last < 0:
            _write(file, "settings", series.settings)
        return last

    def tell(self, series: Series, points: Sequence[Point]) -> None:
        file = self._file(series)
        for point in points:
            file.add(point.step, point.values)

    def end(self, series: Series) -> None:
        if series.notes and self._said.get(series.name) != series.notes:
            self._said[series.name] = series.notes
            _write(self._file(series), "notes", series.notes)

    def close(self) -> None:
        """Everything was written at once."""

    def _file(self, series: Series) -> EventFile:
        return EventFile(self.root / series.name)


def _write(file: EventFile, name: str, facts: Mapping[str, Fact]) -> None:
    if facts:
        rows = "".join(f"| {key} | {value} |\n" for key, value in facts.items())
        file.add_text(name, f"| | |\n|-|-|\n{rows}")
