"""Fused-MBConv: a k×k conv expands, a 1×1 conv projects (arXiv 2104.00298)."""

from search_spaces.kinds.base import Block, Kind, squeeze_excite
from search_spaces.kinds.conv import CONV
from search_spaces.kinds.layers import Conv, Layer, Norm


def _layers(block: Block) -> tuple[Layer, ...]:
    before, inner, after = block.in_channels, block.inner_channels, block.channels
    return (
        Conv("conv_exp", before, inner, block.size, block.kernel, block.stride, block.groups),
        Norm("bn1", inner),
        *squeeze_excite(block, inner),
        Conv("conv_pwl", inner, after, block.out_size),
        Norm("bn2", after),
    )


_TAKES = CONV.takes | {"expand", "always_expand", "inner_divisor"}

FUSED = Kind(
    name="fused",
    code="er",
    takes=_TAKES,
    layers=_layers,
    unexpanded=CONV,
    grouped=("input", "inner"),
    last_norm="bn2",
    timm=_TAKES,
)
