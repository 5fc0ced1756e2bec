"""The rounding rules of the released EfficientNet TPU code: the only place that rounds."""

import math
from typing import Literal

DepthRounding = Literal["ceil", "round"]

# Products such as 1.1 * 10 exceed the integer they mean by a rounding error, and ceil would
# turn that into a whole layer.
_SLACK = 1e-9


def round_channels(channels: float, width: float = 1.0, divisor: int = 8) -> int:
    """Channels scaled by `width`, to the nearest multiple of `divisor`.

    At least `divisor`, and one multiple more where rounding fell below 90 % of the exact value
    (EfficientNet's `round_filters`, MobileNet's `make_divisible`).
    """
    exact = channels * width
    rounded = max(divisor, int(exact + divisor / 2 + _SLACK) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * exact - _SLACK else rounded


def round_repeats(repeats: int, depth: float = 1.0, rounding: DepthRounding = "ceil") -> int:
    """Layers of a stage scaled by `depth`, at least one.

    `ceil` rounds up (EfficientNet's `round_repeats`), `round` to the nearest, halves up.
    """
    exact = repeats * depth
    layers = math.ceil(exact - _SLACK) if rounding == "ceil" else math.floor(exact + 0.5 + _SLACK)
    return max(1, layers)


def round_resolution(resolution: float) -> int:
    """Input pixels to the nearest whole one."""
    return max(1, int(resolution + 0.5))
