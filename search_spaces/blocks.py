"""An Arch laid out block by block: the one traversal that cost, builder, tables and keys share."""

import functools
from dataclasses import dataclass
from typing import Literal

from search_spaces.arch import Activation, Arch, SqueezeExcite, Stage, expands, inner_channels
from search_spaces.rounding import round_channels

BlockOp = Literal["mbconv", "dsconv", "sepconv", "fused", "bottleneck", "conv", "identity"]


@dataclass(frozen=True, slots=True)
class Block:
    """One block with everything that was relative in its stage worked out."""

    op: BlockOp
    """As in Stage, save that `dsconv` is an mbconv without expansion, and a `fused` without
    expansion is a `conv`."""
    in_channels: int
    inner_channels: int
    channels: int
    kernel: int
    stride: int
    groups: int
    se_channels: int
    """Channels squeezed to; 0 without squeeze-and-excitation."""
    skip: bool
    """The input is added to the output (a bottleneck projects it where shapes differ)."""
    activation: Activation
    size: int
    """Side of the input feature map in pixels."""

    @property
    def out_size(self) -> int:
        """Side of the output feature map in pixels."""
        return -(-self.size // self.stride)

    @property
    def reshapes(self) -> bool:
        """Whether output and input differ in shape."""
        return self.stride != 1 or self.in_channels != self.channels

    def is_nothing(self) -> bool:
        """Whether the block passes its input on unchanged."""
        return self.op == "identity" and not self.reshapes

    def canonical(self) -> tuple[object, ...]:
        """What tells this block from others, without the size that follows from those before."""
        if self.op == "identity":
            return ("identity", self.channels, self.stride)
        return (
            self.op,
            self.inner_channels,
            self.channels,
            self.kernel,
            self.stride,
            self.groups,
            self.se_channels,
            self.skip,
            self.activation,
        )


def stage_sizes(arch: Arch) -> tuple[tuple[int, int], ...]:
    """(input channels, side of the input feature map) of each stage, and of the head at the end."""
    size = -(-arch.resolution // arch.stem.stride)
    if arch.stem.pool:
        size = -(-size // 2)
    inputs = [(arch.stem.channels, size)]
    for stage in arch.stages:
        size = -(-size // stage.stride)
        inputs.append((stage.channels, size))
    return tuple(inputs)


def blocks(arch: Arch) -> tuple[Block, ...]:
    """Every block of the network in order."""
    return tuple(block for stage in blocks_by_stage(arch) for block in stage)


def blocks_by_stage(arch: Arch) -> tuple[tuple[Block, ...], ...]:
    """The blocks of each stage; one inner tuple a stage."""
    return tuple(
        stage_blocks(stage, channels, size, stage.activation or arch.activation, arch.se)
        for stage, (channels, size) in zip(arch.stages, stage_sizes(arch), strict=False)
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
    op = _block_op(stage)
    inner = inner_channels(stage, channels)
    same_shape = stride == 1 and channels == stage.channels
    return Block(
        op=op,
        in_channels=channels,
        inner_channels=inner,
        channels=stage.channels,
        kernel=1 if op == "identity" else stage.kernel,
        stride=stride,
        groups=stage.groups,
        se_channels=_squeezed(stage, channels, inner, se),
        skip=stage.skip and (same_shape or op == "bottleneck") and op != "identity",
        activation=activation,
        size=size,
    )


def _block_op(stage: Stage) -> BlockOp:
    if stage.op == "mbconv" and not expands(stage):
        return "dsconv"
    return "conv" if stage.op == "fused" and not expands(stage) else stage.op


def _squeezed(stage: Stage, channels: int, inner: int, se: SqueezeExcite) -> int:
    if not stage.se:
        return 0
    squeezed = stage.channels if stage.op == "bottleneck" else inner
    reduced = (channels if se.reduce == "input" else squeezed) * stage.se
    return max(1, int(reduced)) if se.divisor == 1 else round_channels(reduced, 1, se.divisor)
