"""Growing and shrinking a network in its three dimensions."""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

from search_spaces.arch import Arch
from search_spaces.errors import UserError, shown
from search_spaces.limits import MOST_CHANNELS, MOST_LAYERS
from search_spaces.rounding import DepthRounding, round_channels, round_repeats
from search_spaces.stage import Stage, block_kind, grouped_sides


def scale(
    arch: Arch,
    depth: float = 1.0,
    width: float = 1.0,
    resolution: int | None = None,
    *,
    divisor: int = 8,
    depth_rounding: DepthRounding = "ceil",
) -> Arch:
    """`arch` with `depth` × its layers, `width` × its channels, fed `resolution` pixels a side.

    Without a resolution, it is fed as many pixels as before. Stem and head widen too (EfficientNet,
    §5.2 and its released code). Channels round to multiples of `divisor`; those that are none in
    `arch`, to the largest power of two that divides them, so that scaling by one changes nothing.
    The number of a stage's groups stays, its channels rounding to multiples of it; only where the
    original's rounding allows no such unit is it reduced.
    Raises UserError, which names the multipliers, for those that are not above zero, where the
    network becomes too large, and where the smaller input no longer covers the strides.
    """
    resolution = arch.resolution if resolution is None else resolution
    for name, multiplier, most in (("depth", depth, MOST_LAYERS), ("width", width, MOST_CHANNELS)):
        if not 0 < multiplier < math.inf:
            raise UserError(f"{name}: expected a multiplier above 0, got {multiplier}")
        if multiplier > most:
            raise UserError(
                f"{name}: expected a multiplier of at most {most}, got {shown(multiplier)}"
            )
    try:
        return _scaled(arch, depth, width, resolution, divisor, depth_rounding)
    except UserError as error:
        multiplied = f"depth × {depth:g}, width × {width:g}, {shown(resolution)} px: "
        raise error.under(multiplied) from None


def scaled_dropout(dropout: float, phi: float) -> float:
    """Dropout growing linearly with φ, as from 0.2 for B0 to 0.5 for B7 at φ = 7 (§5.2).

    In proportion to the baseline's own, so that none stays none; from 0 to at most 0.5 or the
    baseline's, if that is higher.
    """
    grown = dropout * (1 + 1.5 * phi / 7)
    return round(min(max(grown, 0.0), max(dropout, 0.5)), 6)


def _scaled(
    arch: Arch,
    depth: float,
    width: float,
    resolution: int,
    divisor: int,
    depth_rounding: DepthRounding,
) -> Arch:
    channels = _channels(arch)
    units = _units(arch, divisor)
    stem, *widened = (round_channels(c, width, u) for c, u in zip(channels, units, strict=True))
    head = round_channels(arch.head.channels, width, math.gcd(arch.head.channels, divisor))
    repeats = [round_repeats(stage.repeats, depth, depth_rounding) for stage in arch.stages]
    stages = (
        dataclasses.replace(stage, repeats=layers, channels=outputs, groups=1)
        for stage, layers, outputs in zip(arch.stages, repeats, widened, strict=True)
    )
    grown = tuple(
        _grouped(stage, original.groups, inputs)
        for stage, original, inputs in zip(stages, arch.stages, [stem, *widened], strict=False)
    )
    return arch.replace(
        resolution=resolution,
        stem=dataclasses.replace(arch.stem, channels=stem),
        stages=grown,
        head=dataclasses.replace(arch.head, channels=head),
    )


def _channels(arch: Arch) -> list[int]:
    """What the stem and each stage write; a stage's input is the element before its own."""
    return [arch.stem.channels, *(stage.channels for stage in arch.stages)]


def _units(arch: Arch, divisor: int) -> list[int]:
    """What each of `_channels` rounds to multiples of."""
    channels = _channels(arch)
    units = [math.gcd(count, divisor) for count in channels]
    for index, stage in enumerate(arch.stages):
        if stage.groups > 1:
            for node, unit in _group_units(stage, index):
                if channels[node] % unit == 0:
                    units[node] = math.lcm(units[node], unit)
    return units


def _group_units(stage: Stage, index: int) -> Iterator[tuple[int, int]]:
    """(position in `_channels`, unit) such that multiples of the units can be grouped."""
    kind = block_kind(stage)
    inner = Fraction(stage.expand).limit_denominator(64) / stage.groups
    # Every block after the first reads what the stage writes.
    read, written = (index, index + 1), (index + 1,)
    if "input" in kind.grouped:
        yield from ((node, stage.groups) for node in read)
    if "inner" in kind.grouped:
        nodes = read if kind.inner_of == "input" else written
        yield from ((node, inner.denominator) for node in nodes)


def _grouped(stage: Stage, groups: int, inputs: int) -> Stage:
    """The stage with as many of `groups` as its sides can be divided into."""
    if groups == 1:
        return stage
    sides = itertools.chain.from_iterable(
        grouped_sides(stage, channels) for channels in (inputs, stage.channels)[: stage.repeats]
    )
    return dataclasses.replace(stage, groups=math.gcd(groups, *sides))
