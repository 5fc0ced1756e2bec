"""How long a training still takes, by its steps so far."""

from dataclasses import dataclass
from time import monotonic

_WARM = 3
"""Steps that take longer than those after them, and tell nothing of how long those take: kernels
are chosen, memory is asked for, workers that load images start."""
_FEW = 3
"""Steps after these, from which the time left is told."""


@dataclass(slots=True)
class StepPace:
    """Seconds a step, its first ones left out; validation in between counts with the steps."""

    _taken: int = 0
    _since: float = 0.0
    """When the last of the first steps ended."""

    def begins_now(self) -> bool:
        """Whether the step that is to be told next is the last that is left out."""
        return self._taken == _WARM - 1

    def step(self) -> None:
        """Take in a step that has ended."""
        self._taken += 1
        if self._taken == _WARM:
            self._since = monotonic()

    def left(self, missing: int) -> float | None:
        """Seconds that so many more steps take; None while nothing tells."""
        counted = self._taken - _WARM
        if counted < _FEW:
            return None
        return (monotonic() - self._since) / counted * missing
