"""Whether a run folder has changed, told by its files alone: nothing in it is read or locked."""

import os
from collections.abc import Iterator
from pathlib import Path

from nas.runs.folder import RunFolder

Fingerprint = tuple[object, ...]

_PAGES = frozenset({"dashboard.html", "comparison.html"})
"""Files that are made of the records."""
_PASSING = ("-journal", "-shm")
"""Endings of files that come and go with every record of a database."""
_FOLDERS = frozenset({"family", "front", "trained"})
"""Folders whose files are in the page; what evaluators and checkpoints keep is not."""


def fingerprint(run: Path) -> Fingerprint:
    """What changes whenever a page of the run would: its files, and who writes to it now."""
    files = sorted(_files(run, run))
    return (RunFolder(run).holder, *files)


def _files(run: Path, folder: Path) -> Iterator[tuple[str, int, int, int]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it is not there yet, or not any more
        return
    for entry in entries:
        # Names with a dot in front are those of drafts and locks.
        passing = entry.name.startswith(".") or entry.name.endswith(_PASSING)
        if passing or entry.name in _PAGES:
            continue
        try:
            found = entry.stat()
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:  # it went while it was looked at
            continue
        if not is_folder:
            name = os.path.relpath(entry.path, run)
            yield name, found.st_mtime_ns, found.st_size, found.st_ino
        elif entry.name in _FOLDERS or folder.name == "trained":
            yield from _files(run, Path(entry.path))
