"""Files that are read up to a limit of size, and written whole or not at all."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from search_spaces.errors import UserError

MOST_BYTES = 4 * 2**20
"""The most bytes of a text file that a person may have written; a larger one was not meant."""


def read_text(path: str | Path, most: int = MOST_BYTES) -> str:
    """The UTF-8 text of a regular file of at most `most` bytes.

    Raises UserError where the file is missing, larger or no text, and for a folder, a device or a
    pipe, which might never end.
    """
    data = read_bytes(path, most)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from None


def read_bytes(path: str | Path, most: int) -> bytes:
    """The content of a regular file; raises UserError as `read_text` does."""
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be read: {reason}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise UserError(f"{path}: is {what}; expected a file")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise UserError(f"{path}: larger than {most:,} bytes, the most that is read of such a file")
    return data


def write_text(path: str | Path, text: str) -> None:
    """Write a file of UTF-8 text, as `written` does."""
    with written(path) as file:
        file.write(text.encode("utf-8"))


@contextlib.contextmanager
def written(path: str | Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` once it is whole and on the disk.

    Until then, and where writing fails, what is at `path` stays as it was; a symbolic link there is
    replaced, never followed. Raises UserError where a folder, a device or a pipe is in its place,
    and OSError, which names `path`, where the system refuses.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_symlink():
        what = "a folder" if path.is_dir() else "a device or a pipe"
        raise UserError(f"{path}: is {what}; expected a file to write")
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()  # left by a killed process that had the same number
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.filename not in (None, str(draft)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


_DRAFT = re.compile(r"\..+\.(\d{1,10})\.part", re.DOTALL)


def clear_drafts(folder: Path) -> None:
    """Remove the files that `written` left in a folder when its process was killed."""
    for path in folder.glob(".*.part"):
        found = _DRAFT.fullmatch(path.name)
        if found and path.is_file() and not path.is_symlink() and not is_alive(int(found[1])):
            path.unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    """Whether a process of this number runs on this machine."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def not_a_link(path: Path) -> Path:
    """The path, for a file that is written in place or a folder that is written into.

    Raises UserError for symbolic links and for files with a second name (hard links), by which
    whoever made the folder could have something written elsewhere; and for devices and pipes.
    """
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return path
    if stat.S_ISLNK(found.st_mode):
        raise UserError(f"{path} is a link; nothing is written through links")
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        raise UserError(
            f"{path} is a file of {found.st_nlink} names (hard links), which are not written "
            f"through: put a copy in its place"
        )
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise UserError(f"{path}: is a device or a pipe; expected a file")
    return path


@contextlib.contextmanager
def kept_if_filled(root: Path, name: str) -> Iterator[Path]:
    """The folder `name` in `root`, as `subfolder` makes it; it goes if nothing was put into it."""
    path = subfolder(root, name)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):  # it holds something
            path.rmdir()


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with `~` and `~USER` as their home folders; as it stands where there is no such."""
    return Path(os.path.expanduser(path))


def subfolder(root: Path, name: str) -> Path:
    """The folder `name` in `root`, made where it is missing. Raises UserError for a link."""
    path = not_a_link(root / name)
    path.mkdir(parents=True, exist_ok=True)
    clear_drafts(path)
    return path


@contextlib.contextmanager
def working_folder_kept() -> Iterator[None]:
    """Stand, at the end, in the folder where it began, whatever the code inside did.

    Relative paths that were given before would otherwise mean other places from then on.
    """
    try:
        before = os.getcwd()
    except FileNotFoundError:  # it was removed: relative paths mean nothing there
        yield
        return
    try:
        yield
    finally:
        os.chdir(before)
