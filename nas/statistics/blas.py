"""How many threads the linear algebra of NumPy and SciPy computes with."""

import contextlib
import functools
from collections.abc import Iterator

import scipy.linalg  # noqa: F401  # which has a library of its own: both are to be found
from threadpoolctl import ThreadpoolController


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, it computes with one thread.

    Matrices of some hundred rows gain little from a second one. On a busy machine each waits for
    the other at every step, and what they give may differ in its last digits.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


# To look for them takes as long as some of what is computed.
@functools.lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
