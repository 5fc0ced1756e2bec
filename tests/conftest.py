"""Examples repeat from run to run, and a busy machine fails none of them for its slowness."""

import os

from hypothesis import settings

# Tensors of this size gain nothing from a second thread, and wait long for one on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("repeatable")
