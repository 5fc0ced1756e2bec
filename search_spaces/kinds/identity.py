"""Nothing, or where the shape changes a 1×1 conv and batch norm."""

from search_spaces.kinds.base import Block, Kind
from search_spaces.kinds.layers import Conv, Layer, Norm


def _layers(block: Block) -> tuple[Layer, ...]:
    if not block.reshapes:
        return ()
    conv = Conv("conv", block.in_channels, block.channels, block.size, 1, block.stride)
    return conv, Norm("bn1", block.channels)


IDENTITY = Kind(
    name="identity",
    code="id",
    takes=frozenset(),
    layers=_layers,
    may_vanish=True,
    inner_of="output",
    adds_input="never",
)
