"""A listing of folders on a disk: each is read once, and links are followed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from nas.data.images import is_image, is_undecodable
from nas.data.names import counted, shown, some
from search_spaces.errors import UserError

Reason = Literal[
    "no images",
    "undecodable",
    "hidden",
    "links to nothing",
    "neither files nor folders",
    "no class",
]
_SAID: dict[Reason, tuple[str, str]] = {
    "no images": ("file that is no image", "files that are no images"),
    "undecodable": (
        "picture of a format that is not decoded here, to be saved as JPEG or PNG",
        "pictures of formats that are not decoded here, to be saved as JPEG or PNG",
    ),
    "hidden": ("hidden", "hidden"),
    "links to nothing": ("link to nothing", "links to nothing"),
    "neither files nor folders": ("that is no file", "that are no files"),
    "no class": ("image outside the folders of classes", "images outside the folders of classes"),
}
_LITTER = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
"""Names of files and folders that operating systems create and hide"""


class Entries(NamedTuple):
    """The names of the folders and files in a folder, sorted."""

    folders: list[str]
    files: list[str]


@dataclass(slots=True)
class Listing:
    """The folders below a root, and what was left out of them."""

    root: str
    setting: str = "data.path"
    """The setting that the root was given as, for errors"""
    left_out: dict[Reason, list[str]] = field(default_factory=dict)
    """Paths from the root, by the reason why they were left out"""
    _known: dict[str, Entries] = field(default_factory=dict)
    _places: dict[tuple[int, int], str] = field(default_factory=dict)

    def entries(self, path: str) -> Entries:
        """The entries of a folder.

        Raises UserError where it cannot be read, and where links lead to it under another name as
        well: its images would count twice, or the listing would not end.
        """
        if path not in self._known:
            self._known[path] = self._read(path)
        return self._known[path]

    def images(self, path: str) -> list[str]:
        """The paths of all images in a folder and the folders below it, sorted."""
        return [file for file in self.files(path) if self._kept(file)]

    def files(self, path: str) -> Iterator[str]:
        """The paths of all files in a folder and the folders below it."""
        folders = [path]
        while folders:
            folder = folders.pop()
            entries = self.entries(folder)
            yield from (f"{folder}/{name}" for name in entries.files)
            folders += [f"{folder}/{name}" for name in reversed(entries.folders)]

    def leave_out(self, path: str, reason: Reason) -> None:
        """Note that a path is not read, and why."""
        self.left_out.setdefault(reason, []).append(self.inner(path))

    def inner(self, path: str) -> str:
        """A path relative to the root."""
        return path.removeprefix(self.root).lstrip("/") or path

    def notes(self) -> list[str]:
        """A line that says what was left out, for the terminal; none where nothing was."""
        parts = []
        for reason, paths in self.left_out.items():
            one, more = _SAID[reason]
            parts.append(
                f"{len(paths):,} {one if len(paths) == 1 else more} ({some(sorted(paths))})"
            )
        return [f"left out: {'; '.join(parts)}"] if parts else []

    def _kept(self, file: str) -> bool:
        if is_image(file):
            return True
        self.leave_out(file, "undecodable" if is_undecodable(file) else "no images")
        return False

    def _read(self, path: str) -> Entries:
        self._check_new(path)
        entries = Entries([], [])
        try:
            with os.scandir(path) as found:
                for entry in found:
                    self._sort_in(entry, entries)
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
            raise UserError(f"{self.setting}: {shown(path)}: {reason}") from None
        entries.folders.sort()
        entries.files.sort()
        return entries

    def _sort_in(self, entry: "os.DirEntry[str]", entries: Entries) -> None:
        if entry.name.startswith(".") or entry.name in _LITTER:
            self.leave_out(entry.path, "hidden")
        elif _is(entry, "folder"):
            entries.folders.append(entry.name)
        elif _is(entry, "file"):
            entries.files.append(entry.name)
        elif entry.is_symlink() and not os.path.exists(entry.path):
            self.leave_out(entry.path, "links to nothing")
        else:
            self.leave_out(entry.path, "neither files nor folders")

    def _check_new(self, path: str) -> None:
        try:
            status = os.stat(path)
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
            raise UserError(f"{self.setting}: {shown(path)}: {reason}") from None
        place = status.st_dev, status.st_ino
        other = self._places.setdefault(place, path)
        if other != path:
            loop = path.startswith(f"{other}/")
            what = "a loop of links" if loop else "one folder by two names"
            raise UserError(
                f"{self.setting}: {shown(path)} and {shown(other)} are the same folder: {what}; "
                "expected each image once"
            )


def _is(entry: "os.DirEntry[str]", kind: Literal["folder", "file"]) -> bool:
    try:
        return entry.is_dir() if kind == "folder" else entry.is_file()
    except OSError:  # links that lead to each other
        return False


def folders_of(listing: Listing, path: str) -> str:
    """The names of the folders inside a folder, for an error."""
    names = listing.entries(path).folders
    return f"{counted(len(names), 'folder')} ({some(names)})" if names else "no folders"
