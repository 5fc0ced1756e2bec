"""Lock files, which one process at a time can hold, and which no dead process holds."""

import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search_spaces.errors import UserError
from search_spaces.files import is_alive, not_a_link, read_text

_HOLDER = re.compile(r"process (\d{1,10}) on (.+)")
_MOST_BYTES = 4096


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file at `path`, which meanwhile says who holds it.

    Raises UserError, which says that `what` is in use and by whom, where another process holds it.
    """
    descriptor = None
    while descriptor is None:
        descriptor = _opened(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode(errors="replace").strip()
            os.close(descriptor)
            raise UserError(f"{what} is in use by {holder or 'another process'}") from None
        descriptor = _still_at(path, descriptor)
    os.truncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
    with _released(path, descriptor):
        yield


def holder(path: Path) -> str | None:
    """What `held` says of the process that holds the file at `path`; None where none does.

    Asking takes no lock, so it is in nobody's way. The lock of another machine's process counts as
    held as long as its file is there.
    """
    try:
        said = read_text(path, _MOST_BYTES).strip()
    except UserError:  # it is not there, or is no lock
        return None
    found = _HOLDER.fullmatch(said)
    if found is None or (found[2] == socket.gethostname() and not is_alive(int(found[1]))):
        return None
    return said


@contextmanager
def awaited(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, waiting for others to let go of it."""
    descriptor = None
    while descriptor is None:
        descriptor = _opened(path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        descriptor = _still_at(path, descriptor)
    with _released(path, descriptor):
        yield


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.open(not_a_link(path), flags, 0o666)


def _still_at(path: Path, descriptor: int) -> int | None:
    """The descriptor; None where it is of a file that the last holder has removed."""
    try:
        if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
            return descriptor
    except FileNotFoundError:
        pass
    os.close(descriptor)
    return None


@contextmanager
def _released(path: Path, descriptor: int) -> Iterator[None]:
    # The system drops the lock of a process that dies: a file that is left behind locks nothing.
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
