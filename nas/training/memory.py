"""Trainings that do not fit in memory: the same steps, from parts of each batch."""

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from nas.training.outcomes import TrainingFailed

_LEAST = 8
"""Images in a part of a batch at least: batch normalisation takes its statistics from the part."""
_SIGNS = (
    "out of memory",  # CUDA's older errors, MPS
    "can't allocate memory",  # the CPU's allocator on Linux
    "not enough memory",  # and on Windows
    "std::bad_alloc",  # oneDNN
    "_STATUS_ALLOC_FAILED",  # cuBLAS, cuDNN
)
"""Words of the plain RuntimeErrors that torch raises where memory runs out."""

T = TypeVar("T")


def within_memory(train: Callable[[int], T], batch_size: int, parts: int = 1) -> tuple[T, int]:
    """Give what `train(parts)` gives, and the number of parts that each batch was divided into.

    `train` is called anew with twice as many parts each time that memory runs out, and has to
    start afresh. Raises TrainingFailed where memory runs out with parts of 8 images, the least.
    """
    parts = min(parts, max(1, batch_size // _LEAST))
    while True:
        try:
            return train(parts), parts
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if batch_size < 2 * parts * _LEAST:
                raise TrainingFailed(
                    f"out of memory with {batch_size // parts} of its batch's {batch_size} images "
                    f"at a time: {_first_line(error)}"
                ) from None
        parts *= 2
        _free()


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether the device's memory, or the machine's, ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def _free() -> None:
    """Give back what the failed attempt held: its tensors first, then the device's cache."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
