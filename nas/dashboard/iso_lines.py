"""Lines of equal reward in the plane of cost and accuracy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas.dashboard.theme import nice_step
from nas.rewards import Absolute, Hard, Reward, Soft


@dataclass(frozen=True, slots=True)
class IsoLine:
    """The networks of one reward."""

    reward: float
    label: str
    macs: tuple[float, ...]
    accuracy: tuple[float, ...]
    """Fraction, for each of `macs`."""
    through_baseline: bool = False


def reward_of(settings: Mapping[str, Any]) -> Soft | Hard | Absolute | None:
    """The reward of a run's configuration, where it is one of MACs; None for a front."""
    if settings.get("cost", "macs") != "macs":
        return None
    try:
        target = float(settings["target"])
        match settings.get("kind"):
            case "soft":
                return Soft(target, float(settings.get("exponent", -0.07)))
            case "hard":
                return Hard(target, float(settings.get("exponent", -1.0)))
            case "absolute":
                return Absolute(target, float(settings.get("beta", -0.07)))
    except (KeyError, TypeError, ValueError):
        pass
    return None


def iso_lines(
    reward: Reward,
    macs: tuple[float, float],
    accuracy: tuple[float, float],
    baseline: float | None,
    count: int = 6,
) -> list[IsoLine]:
    """About `count` lines of round rewards across the ranges shown, and the baseline's own.

    `macs` and `accuracy` (fractions) are the ranges of the axes, `baseline` is its reward.
    """
    costs = np.unique([*np.geomspace(*macs, 81), min(max(reward.target, macs[0]), macs[1])])
    corners = [
        reward(a, c) for a in accuracy for c in (*macs, float(np.clip(reward.target, *macs)))
    ]
    low, high = min(corners), max(corners)
    step = nice_step(high - low, count)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    levels = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    if baseline is not None and math.isfinite(baseline):
        levels = [level for level in levels if abs(level - baseline) > 0.4 * step]
    lines = [_line(reward, level, f"{level:.{digits}f}", costs) for level in levels]
    if baseline is not None and math.isfinite(baseline):
        lines.append(_line(reward, baseline, f"{baseline:.{digits + 1}f}", costs, True))
    return lines


def _line(
    reward: Reward, level: float, label: str, costs: Any, through_baseline: bool = False
) -> IsoLine:
    accuracies = tuple(reward.accuracy_for(level, float(cost)) for cost in costs)
    return IsoLine(level, label, tuple(map(float, costs)), accuracies, through_baseline)
