"""ResNet's bottleneck, with the stride in its k×k conv (arXiv 1512.03385, Figure 5)."""

from search_spaces.kinds.base import Block, Kind, squeeze_excite
from search_spaces.kinds.layers import Conv, Layer, Norm


def _layers(block: Block) -> tuple[Layer, ...]:
    before, inner, after = block.in_channels, block.inner_channels, block.channels
    branch: tuple[Layer, ...] = (
        Conv("conv1", before, inner, block.size),
        Norm("bn1", inner),
        Conv("conv2", inner, inner, block.size, block.kernel, block.stride, block.groups),
        Norm("bn2", inner),
        Conv("conv3", inner, after, block.out_size),
        Norm("bn3", after),
        *squeeze_excite(block, after),
    )
    if not (block.skip and block.reshapes):
        return branch
    stride = block.stride
    projection = Conv("downsample.0", before, after, block.size, 1, stride, path="shortcut")
    return (*branch, projection, Norm("downsample.1", after))


def resnet_name(name: str) -> str:
    """The name that timm and torchvision give a ResNet's weight."""
    first, *rest = name.split(".")
    if first == "blocks":
        first, rest = f"layer{int(rest[0]) + 1}", rest[1:]
    first = {"conv_stem": "conv1", "classifier": "fc"}.get(first, first)
    within = {"conv_reduce": "fc1", "conv_expand": "fc2"}
    return ".".join([first, *(within.get(part, part) for part in rest)])


BOTTLENECK = Kind(
    name="bottleneck",
    code="bt",
    takes=frozenset({"kernel", "expand", "se", "skip", "groups", "activation"}),
    layers=_layers,
    inner_of="output",
    squeezes="output",
    grouped=("inner",),
    adds_input="always",
    last_norm="bn3",
    timm_name=resnet_name,
)
