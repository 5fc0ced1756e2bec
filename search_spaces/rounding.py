"""The rounding rules of the released EfficientNet TPU code: the only place that rounds.

Its arithmetic is followed to the last bit of double precision, so that multipliers give every
baseline the network that the released code and timm give it. Products with a rounding error are
therefore rounded as there: 200 channels at width 2.3 come to 459.99999999999994 and round to 456,
where an exact 460 would round to 464; 25 layers at depth 2.2 come to 55.00000000000001 and round up
to 56.
"""

import math
from typing import Literal

from search_spaces.errors import UserError

DepthRounding = Literal["ceil", "round"]


def round_channels(channels: float, width: float = 1.0, divisor: int = 8) -> int:
    """Channels scaled by `width`, to the nearest multiple of `divisor`.

    At least `divisor`, and one multiple more where rounding fell below 90 % of the product
    (EfficientNet's `round_filters`, MobileNet's `make_divisible`).
    """
    product = channels * width
    rounded = max(divisor, int(product + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * product else rounded


def round_repeats(repeats: int, depth: float = 1.0, rounding: DepthRounding = "ceil") -> int:
    """Layers of a stage scaled by `depth`, at least one.

    `ceil` rounds up (EfficientNet's `round_repeats`), `round` to the nearest, halves up.
    """
    product = repeats * depth
    return max(1, math.ceil(product) if rounding == "ceil" else math.floor(product + 0.5))


def round_resolution(
    resolution: float, multiple: int = 1, least: int = 1, most: int | None = None
) -> int:
    """Input pixels to the nearest multiple of `multiple` that is from `least` to `most`.

    Raises UserError where there is none.
    """
    first = max(1, -(-least // multiple))
    last = math.inf if most is None else most // multiple
    if last < first:
        raise UserError(f"resolution: no multiple of {multiple} from {least} to {most} px")
    return int(min(max(int(resolution / multiple + 0.5), first), last)) * multiple
