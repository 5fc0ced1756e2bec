"""Memory that is freed between the steps of a training."""

import ctypes
import resource

import pytest
import torch

from nas.training.allocator import freed_memory_kept

_PAGES = (64 << 20) // resource.getpagesize()
"""Those of a tensor that glibc by itself takes from the system anew each time."""


def _faults(tensors: int) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(tensors):
        torch.ones(16 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])


def test_memory_that_was_freed_is_not_taken_from_the_system_anew() -> None:
    with freed_memory_kept():
        _faults(16)  # blocks of a size find their places
        assert _faults(4) < _PAGES / 8
    assert _faults(4) > 2 * _PAGES or _huge_pages()


def test_what_was_kept_is_given_back_after_the_training() -> None:
    before = _resident()
    with freed_memory_kept():
        _faults(1)
        assert _resident() > before + _PAGES / 2
    assert _resident() < before + _PAGES / 2


def test_an_error_inside_gives_the_memory_back_too() -> None:
    before = _resident()
    with pytest.raises(MemoryError):
        _out_of_memory()
    assert _resident() < before + _PAGES / 2


def test_with_another_c_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    with freed_memory_kept():
        assert _faults(1) >= 0


def _out_of_memory() -> None:
    with freed_memory_kept():
        _faults(1)
        raise MemoryError


def _huge_pages() -> bool:
    """Whether the system fills several pages at a time, unasked."""
    with open("/sys/kernel/mm/transparent_hugepage/enabled") as file:
        return "[always]" in file.read()
