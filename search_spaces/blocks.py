"""An Arch laid out block by block: the one traversal that cost, builder and tables share."""

from search_spaces.arch import Arch
from search_spaces.ends import stem_side
from search_spaces.kinds import KINDS
from search_spaces.kinds.base import Block
from search_spaces.kinds.layers import side_after
from search_spaces.stage_blocks import stage_blocks


def stage_sizes(arch: Arch) -> tuple[tuple[int, int], ...]:
    """(input channels, side of the input feature map) of each stage, and of the head at the end."""
    size = stem_side(arch.stem, arch.resolution)
    inputs = [(arch.stem.channels, size)]
    for stage in arch.stages:
        size = side_after(size, stage.stride, KINDS[stage.op].padded)
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
