"""ConvNeXt's block: depthwise conv, layer norm, two linear layers, layer scale (arXiv 2201.03545).

A block that changes the shape begins with layer norm and a conv over patches that touch.
"""

import re

from search_spaces.kinds.base import Block, Kind
from search_spaces.kinds.layers import Conv, Layer, Linear, Norm, Scale


def _layers(block: Block) -> tuple[Layer, ...]:
    inner, after, size = block.inner_channels, block.channels, block.out_size
    branch = (
        Conv("conv_dw", after, after, size, block.kernel, groups=after, bias=True),
        Norm("norm", after, "layer"),
        Linear("mlp.fc1", after, inner, size),
        Linear("mlp.fc2", inner, after, size),
        Scale("gamma", after),
    )
    return (*_downsampling(block), *branch) if block.reshapes else branch


def _downsampling(block: Block) -> tuple[Layer, ...]:
    before, stride = block.in_channels, block.stride
    conv = Conv(
        *("downsample.1", before, block.channels, block.size, stride, stride),
        bias=True,
        path="entry",
        padded=False,
    )
    return Norm("downsample.0", before, "layer"), conv


def _timm_name(name: str) -> str:
    """The name of a weight in timm's ConvNeXt."""
    for ours, theirs in (
        (r"conv_stem\.", "stem.0."),
        (r"norm1\.", "stem.1."),
        (r"norm2\.", "head.norm."),
        (r"classifier\.", "head.fc."),
        (r"blocks\.(\d+)\.0\.downsample", r"stages.\1.downsample"),
        (r"blocks\.(\d+)\.", r"stages.\1.blocks."),
    ):
        renamed, found = re.subn(f"^{ours}", theirs, name)
        if found:
            return renamed
    return name


CONVNEXT = Kind(
    name="convnext",
    code="cx",
    takes=frozenset({"kernel", "expand", "activation"}),
    layers=_layers,
    inner_of="output",
    adds_input="always",
    padded=False,
    timm_name=_timm_name,
    timm_head="pooled_norm",
    drops_fully=True,
)
