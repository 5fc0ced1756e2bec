"""What a training tells while it runs, and how it says that it failed."""

from collections.abc import Callable

Report = Callable[[int, float], None]
"""Called after each epoch with its number, from 0, and the accuracy reached."""


class TrainingFailed(Exception):
    """A training that gives no accuracy: it diverged, learnt nothing, or did not fit in memory."""
