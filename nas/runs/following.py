"""A search's records for a reader beside the search: each is read once, as it comes."""

from dataclasses import dataclass, field
from pathlib import Path

from nas.runs.records import Record, from_trial
from nas.runs.storage import SqliteFile
from nas.runs.study import StudyStore

_File = tuple[int, int]
"""Device and inode of a file."""


@dataclass(slots=True)
class FollowedRecords:
    """The records in a run folder's own study; a call gives all, and reads those that are new.

    It starts over where the study is another one, as in a folder whose run begins anew. One thread
    at a time may call it.
    """

    _file: _File | None = None
    _store: StudyStore | None = None
    _records: list[Record] = field(default_factory=list)

    def __call__(self, run: Path) -> list[Record]:
        """All records so far. Raises UserError for a study or a trial that is damaged."""
        path = run / "study.db"
        # The connection is kept open, so that no other file can have the same inode meanwhile.
        now = _file(path)
        if now != self._file:
            self.close()
        if now is None:
            return []
        if self._store is None:
            self._store = StudyStore(SqliteFile(path, of_run=True), "", None)
            self._file = now
        try:
            trials = self._store.reread()
            if len(trials) < len(self._records):
                self._records.clear()
            for number in range(len(self._records), len(trials)):
                self._records.append(from_trial(trials[number], number))
        except BaseException:
            self.close()
            raise
        return list(self._records)

    def close(self) -> None:
        """Let go of the study, and forget what was read."""
        if self._store is not None:
            self._store.close()
        self._file = self._store = None
        self._records.clear()


def _file(path: Path) -> _File | None:
    """What tells a file from another one of its name; None for none, or an empty one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_size else None
