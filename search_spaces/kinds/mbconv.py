"""MBConv: expand, depthwise conv, squeeze and excite, project (arXiv 1801.04381)."""

from search_spaces.kinds.base import Block, Kind, squeeze_excite
from search_spaces.kinds.layers import Conv, Layer, Norm


def depthwise_separable(block: Block) -> tuple[Layer, ...]:
    """A depthwise, then a pointwise conv."""
    before, after = block.in_channels, block.channels
    return (
        Conv("conv_dw", before, before, block.size, block.kernel, block.stride, before),
        Norm("bn1", before),
        *squeeze_excite(block, before),
        Conv("conv_pw", before, after, block.out_size),
        Norm("bn2", after),
    )


def _layers(block: Block) -> tuple[Layer, ...]:
    before, inner, after = block.in_channels, block.inner_channels, block.channels
    return (
        Conv("conv_pw", before, inner, block.size),
        Norm("bn1", inner),
        Conv("conv_dw", inner, inner, block.size, block.kernel, block.stride, inner),
        Norm("bn2", inner),
        *squeeze_excite(block, inner),
        Conv("conv_pwl", inner, after, block.out_size),
        Norm("bn3", after),
    )


_TAKES = frozenset({"kernel", "se", "skip", "activation"})

DSCONV = Kind(
    name="dsconv",
    code="ds",
    takes=_TAKES,
    layers=depthwise_separable,
    last_norm="bn2",
    timm=_TAKES,
)
"""An MBConv without expansion; not an `op` of its own."""

MBCONV = Kind(
    name="mbconv",
    code="ir",
    takes=_TAKES | {"expand", "always_expand", "inner_divisor"},
    layers=_layers,
    unexpanded=DSCONV,
    last_norm="bn3",
    timm=_TAKES | {"expand", "always_expand", "inner_divisor"},
)
