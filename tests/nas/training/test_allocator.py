"""Memory that is freed between the steps of a training."""

import ctypes
import json
import subprocess
import sys

import pytest

from nas.training.allocator import freed_memory_kept

_BLOCK = 64 << 20
_SEEN = f"""
import json, resource
from nas.training.allocator import freed_memory_kept

def blocks(count):
    for _ in range(count):
        b"x" * {_BLOCK}

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

first = resident()
try:
    with freed_memory_kept():
        blocks(1)
        before = faults()
        blocks(8)
        again, inside = faults() - before, resident() - first
        raise MemoryError
except MemoryError:
    after = resident() - first
print(json.dumps([again * resource.getpagesize(), inside, after]))
"""


def test_freed_memory_stays_until_the_training_ends_or_fails() -> None:
    """In a process of its own: what others have freed before is at hand too."""
    said = subprocess.run([sys.executable, "-c", _SEEN], check=True, capture_output=True).stdout
    taken_anew, inside, after = json.loads(said)
    assert taken_anew < _BLOCK / 8
    assert inside > _BLOCK / 2
    assert after < _BLOCK / 2


def test_with_another_c_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    with freed_memory_kept():
        assert bytes(8) == b"\0" * 8
