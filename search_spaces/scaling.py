"""Growing and shrinking a network in its three dimensions."""

import dataclasses
import math

from search_spaces.arch import Arch, Stage
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding, round_channels, round_repeats


def scale(
    arch: Arch,
    depth: float,
    width: float,
    resolution: int,
    *,
    divisor: int = 8,
    depth_rounding: DepthRounding = "ceil",
) -> Arch:
    """`arch` with `depth` × its layers, `width` × its channels, fed `resolution` pixels a side.

    Stem and head widen too (EfficientNet, §5.2 and its released code). Channels that are no
    multiple of `divisor` in `arch` round to the largest power of two that divides them, so that
    scaling by one changes nothing. Raises UserError for multipliers that are not above zero, and
    where the smaller input no longer covers the strides.
    """
    for name, multiplier in (("depth", depth), ("width", width)):
        if not (math.isfinite(multiplier) and multiplier > 0):
            raise UserError(f"{name}: expected a multiplier above 0, got {multiplier}")

    def widened(channels: int) -> int:
        return round_channels(channels, width, math.gcd(channels, divisor))

    def grown(stage: Stage) -> Stage:
        channels = widened(stage.channels)
        # Groups keep their width, as in ResNeXt, where they can.
        groups = stage.groups if stage.groups == 1 else math.gcd(channels, stage.groups)
        return dataclasses.replace(
            stage,
            repeats=round_repeats(stage.repeats, depth, depth_rounding),
            channels=channels,
            groups=groups,
        )

    return arch.replace(
        resolution=resolution,
        stem=dataclasses.replace(arch.stem, channels=widened(arch.stem.channels)),
        stages=tuple(grown(stage) for stage in arch.stages),
        head=dataclasses.replace(arch.head, channels=widened(arch.head.channels)),
    )
