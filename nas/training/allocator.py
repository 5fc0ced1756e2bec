"""Memory that one training step frees and the next one needs, kept between them."""

import contextlib
import ctypes
from collections.abc import Iterator

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
"""Numbers of glibc's `mallopt(3)`."""
_KEPT = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1}
_USUAL = {_M_MMAP_MAX: 65536, _M_TRIM_THRESHOLD: 32 << 20}
"""What they are in a process that has freed large blocks: glibc raises the second by itself."""


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Inside, memory of the CPU that is freed stays the process's; on leaving, it is given back.

    glibc takes each large block from the system anew, which has to fill it with zeros page by
    page: an eighth of a training step at 224 px. With another C library nothing changes.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    _set(libc, _KEPT)
    try:
        yield
    finally:
        _set(libc, _USUAL)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    process = ctypes.CDLL(None)
    return process if hasattr(process, "gnu_get_libc_version") else None


def _set(libc: ctypes.CDLL, parameters: dict[int, int]) -> None:
    for parameter, value in parameters.items():
        libc.mallopt(parameter, value)
