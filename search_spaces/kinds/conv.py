"""A k×k conv with batch norm and activation."""

from search_spaces.kinds.base import Block, Kind, squeeze_excite
from search_spaces.kinds.layers import Conv, Layer, Norm


def _layers(block: Block) -> tuple[Layer, ...]:
    before, after = block.in_channels, block.channels
    return (
        Conv("conv", before, after, block.size, block.kernel, block.stride, block.groups),
        Norm("bn1", after),
        *squeeze_excite(block, after),
    )


CONV = Kind(
    name="conv",
    code="cn",
    takes=frozenset({"kernel", "se", "skip", "groups", "activation"}),
    layers=_layers,
    inner_of="output",
    grouped=("input", "inner"),
    code_skips=False,
    timm=frozenset({"kernel", "skip", "groups", "activation"}),
    timm_groups_of="input",
)
