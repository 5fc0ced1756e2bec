"""The blocks of one stage, with what sizes and channels they are fed worked out."""

import functools

from search_spaces.activations import Activation
from search_spaces.kinds.base import Block
from search_spaces.stage import (
    SqueezeExcite,
    Stage,
    block_kind,
    inner_channels,
    squeezed_channels,
)


def stage_blocks(
    stage: Stage, channels: int, size: int, activation: Activation, se: SqueezeExcite
) -> tuple[Block, ...]:
    """The blocks of a stage fed `channels` feature maps of side `size`."""
    first, *rest = distinct_blocks(stage, channels, size, activation, se)
    return (first, *rest * (stage.repeats - 1))


# What is kept does not grow with the layers: a stage may have thousands.
@functools.lru_cache(maxsize=65536)
def distinct_blocks(
    stage: Stage, channels: int, size: int, activation: Activation, se: SqueezeExcite
) -> tuple[Block] | tuple[Block, Block]:
    """The stage's first block and, where it has more, the one that all others are."""
    first = _block(stage, channels, stage.stride, size, activation, se)
    if stage.repeats == 1:
        return (first,)
    return first, _block(stage, stage.channels, 1, first.out_size, activation, se)


@functools.lru_cache(maxsize=65536)
def stage_identity(
    stage: Stage, channels: int, activation: Activation, se: SqueezeExcite
) -> tuple[str, str]:
    """Text that tells the stage's first block from others, and that of each block after it.

    Sizes are not in it: they follow from the blocks before. Joined over the blocks of a network it
    is the same however they are grouped into stages.
    """
    own = stage.activation or activation
    excite = (se.activation or own, se.gate) if stage.se else ()
    first, *others = (
        "" if block.is_nothing() else repr(block.canonical() + excite)
        for block in distinct_blocks(stage, channels, 1, own, se)
    )
    return first, "".join(others)


def _block(
    stage: Stage, channels: int, stride: int, size: int, activation: Activation, se: SqueezeExcite
) -> Block:
    kind = block_kind(stage)
    inner = inner_channels(stage, channels)
    same_shape = stride == 1 and channels == stage.channels
    adds = kind.adds_input == "always" or (kind.adds_input == "same_shape" and same_shape)
    return Block(
        kind=kind,
        in_channels=channels,
        inner_channels=inner,
        channels=stage.channels,
        kernel=stage.kernel if "kernel" in kind.takes else 1,
        stride=stride,
        groups=stage.groups,
        se_channels=squeezed_channels(stage, channels, inner, se),
        skip=stage.skip and adds,
        activation=activation,
        size=size,
    )
