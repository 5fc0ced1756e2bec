"""Examples repeat from run to run, and a busy machine fails none of them for its slowness."""

from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("repeatable")
