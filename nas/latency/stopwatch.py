"""Noting the time between the parts of a network, on a processor or a GPU."""

import contextlib
import ctypes
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


class Laps(Protocol):
    """Notes the time whenever `mark` is called."""

    def mark(self) -> None: ...

    def take(self) -> list[float]:
        """Seconds between the marks; forgets them."""
        ...


@dataclass(slots=True)
class ClockLaps:
    """Laps of a processor, which is done with a layer when Python is."""

    now: Callable[[], float]
    marks: list[float] = field(default_factory=list)

    def mark(self) -> None:
        self.marks.append(self.now())

    def take(self) -> list[float]:
        laps = [after - before for before, after in zip(self.marks, self.marks[1:], strict=False)]
        self.marks.clear()
        return laps


@dataclass(slots=True)
class CudaLaps:
    """Laps of a GPU, which notes the time itself as its work gets there."""

    marks: list[torch.cuda.Event] = field(default_factory=list)

    def mark(self) -> None:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        self.marks.append(event)

    def take(self) -> list[float]:
        torch.cuda.synchronize()
        pairs = zip(self.marks, self.marks[1:], strict=False)
        laps = [before.elapsed_time(after) / 1e3 for before, after in pairs]
        self.marks.clear()
        return laps


def keep_freed_memory() -> None:
    """Let this process use again what it frees, however large; for good, where there is glibc.

    By default glibc returns large pieces to the system. To fault them in again took more than half
    of a layer's time, or none of it, as the layers before had left the heap.
    """
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_MAX, 0)
        library.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def device_name(device: str) -> str:
    """The maker's name of the processor, or of the GPU in use."""
    if device == "cuda":
        return str(torch.cuda.get_device_name())
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
