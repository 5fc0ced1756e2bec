"""The networks along one number, a multiplier or φ: the nearest to a cost, the last that fits."""

import bisect
from collections.abc import Callable
from dataclasses import dataclass

from search_spaces.arch import Arch
from search_spaces.errors import UserError

_MILLION = 10**6


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The networks that one number makes, in order of their cost.

    Cost grows with the number in steps, where rounding changes the network. The number is counted
    in millionths, so that what a file says of it makes the same network again.
    """

    grow: Callable[[float], Arch]
    """The network of a number. It raises UserError where there is none: it would be so small that
    nothing is left of it, or larger than any may be."""
    price: Callable[[Arch], float]
    """What a network costs, above 0."""
    low: float
    """The smallest number that is looked at."""
    same: float
    """The number that makes the baseline."""
    high: float
    """The largest number that is looked at."""

    def nearest(self, target: float) -> float | None:
        """The number whose network's cost is the nearest to `target`, spelt as short as it can be.

        Of all networks that a number from `low` to `high` makes, rounding included, it is the
        nearest. None where they all cost less than the target.
        """
        low, high = self._range()
        if self._price(high) < target:
            return None
        above = _first(lambda count: self._price(count) >= target, low, high)
        nearby = [count for count in (above, above - 1) if self._price(count)]
        count = min(nearby, key=lambda count: abs(self._price(count) - target))
        return self._simplest(count) / _MILLION

    def dearest(self) -> float:
        """The cost of the largest network."""
        return self._price(self._range()[1])

    def last(self, fits: Callable[[Arch], bool], most: float) -> float:
        """The largest number up to `most` whose network fits, as the baseline is taken to do."""

        def exceeds(count: int) -> bool:
            arch = self._arch(count)
            return arch is None or not fits(arch)

        same, end = round(self.same * _MILLION), int(most * _MILLION)
        return (_first(exceeds, same + 1, end + 1) - 1) / _MILLION

    def _range(self) -> tuple[int, int]:
        """The smallest number, and the largest that makes no more than a network may have."""
        low, same, high = (round(each * _MILLION) for each in (self.low, self.same, self.high))
        return low, _first(lambda count: self._arch(count) is None, same, high + 1) - 1

    def _arch(self, count: int) -> Arch | None:
        try:
            return self.grow(count / _MILLION)
        except UserError:
            return None

    def _price(self, count: int) -> float:
        arch = self._arch(count)
        return self.price(arch) if arch else 0

    def _simplest(self, count: int) -> int:
        """The number of fewest decimals that makes a network of the same cost."""
        price = self._price(count)
        low, high = self._range()
        first = _first(lambda other: self._price(other) >= price, low, count)
        beyond = _first(lambda other: self._price(other) > price, count, high)
        for decimals in range(6):
            step = int(10 ** (6 - decimals))
            rounded = -(-first // step) * step
            if rounded < beyond:
                return rounded
        return count


def _first(reached: Callable[[int], bool], low: int, high: int) -> int:
    """The least number that is `reached`, which `high` is taken to be."""
    return int(low + bisect.bisect_left(range(low, high), True, key=reached))
