"""Lines of equal reward in the plane of cost and accuracy."""

import math
from dataclasses import dataclass

import numpy as np

from nas.dashboard.theme import nice_step
from nas.searches.rewards import Reward


@dataclass(frozen=True, slots=True)
class IsoLine:
    """The networks of one reward."""

    reward: float
    label: str
    macs: tuple[float, ...]
    accuracy: tuple[float, ...]
    """Fraction, for each of `macs`."""
    through_baseline: bool = False


def iso_lines(
    reward: Reward,
    macs: tuple[float, float],
    accuracy: tuple[float, float],
    baseline: float | None = None,
    count: int = 6,
) -> tuple[IsoLine, ...]:
    """About `count` lines of round rewards across the ranges of the axes, and the baseline's own.

    Accuracies are fractions; `baseline` is the baseline's reward. Lines so near to its line that
    their labels would touch are left out. They go on beyond the range of MACs by half.
    """
    aim = min(max(reward.target, macs[0]), macs[1])
    corners = [reward(a, c) for a in accuracy for c in (*macs, aim)]
    step = nice_step(max(corners) - min(corners), count)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(min(corners) / step), math.floor(max(corners) / step)
    levels = {k * step: f"{k * step:.{digits}f}" for k in range(first, last + 1)}
    if baseline is not None:
        levels = {r: label for r, label in levels.items() if abs(r - baseline) > 0.4 * step}
    lines = [_line(reward, level, label, macs, False) for level, label in levels.items()]
    return (*lines, *baseline_line(reward, macs, baseline, max(digits + 1, 3)))


def baseline_line(
    reward: Reward, macs: tuple[float, float], baseline: float | None, digits: int = 3
) -> tuple[IsoLine, ...]:
    """The line of the baseline's reward, where there is one."""
    if baseline is None:
        return ()
    return (_line(reward, baseline, f"{baseline:.{digits}f}", macs, True),)


def _line(
    reward: Reward, level: float, label: str, macs: tuple[float, float], through_baseline: bool
) -> IsoLine:
    # The line bends at the target, so that is one of its points.
    spread = np.geomspace(macs[0] / 1.5, macs[1] * 1.5, 121).tolist()
    costs = sorted({*spread, min(max(reward.target, spread[0]), spread[-1])})
    accuracies = tuple(reward.accuracy_for(level, cost) for cost in costs)
    return IsoLine(level, label, tuple(costs), accuracies, through_baseline)
