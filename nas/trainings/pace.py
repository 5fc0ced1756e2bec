"""How long trainings take, told by those that are finished."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """The time of trainings to come, from networks of other costs that were trained.

    A network of four times the MACs is taken to train twice as long: part of each step does not
    grow with its network. Of trainings on record, the time that is told so after the third was
    within 1.5 times the true one; the mean of all alike was not, nor was one by MACs.
    """

    workers: int = 1
    """Trainings side by side."""
    _timed: list[tuple[float, float]] = field(default_factory=list)
    """The weight and the seconds of each, in the order in which they were finished."""

    def add(self, macs: float, seconds: float) -> None:
        """Take in a training that is finished, of a network of so many MACs."""
        self._timed.append((math.sqrt(max(1.0, macs)), seconds))

    @property
    def known(self) -> bool:
        """Whether any training is finished."""
        return bool(self._timed)

    def seconds(self, macs: float) -> float | None:
        """Seconds that one training of a network of so many MACs takes; None where none is known.

        The first training of each worker also reads the data and warms caches up: it counts no
        longer once there are others.
        """
        if not self._timed:
            return None
        warm = self._timed[self.workers :]
        counted = warm if len(warm) > 1 else self._timed
        weights, seconds = map(sum, zip(*counted, strict=True))
        return math.sqrt(max(1.0, macs)) * seconds / weights

    def left(self, missing: Iterable[float]) -> float | None:
        """Seconds until networks of these MACs are trained as well; None where none is known."""
        each = [self.seconds(macs) for macs in missing]
        known = [seconds for seconds in each if seconds is not None]
        if len(known) < len(each) or not self.known:
            return None
        side_by_side = max(1, min(self.workers, len(known)))
        return max(sum(known) / side_by_side, max(known, default=0.0))
