"""The kinds of block of `search_spaces.kinds` as modules, their weights named as in timm."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import nn

from nas.networks.blocks.bottleneck import Bottleneck
from nas.networks.blocks.conv import ConvBlock
from nas.networks.blocks.convnext import ConvNeXtBlock
from nas.networks.blocks.fused import FusedInvertedResidual
from nas.networks.blocks.identity import Reshape
from nas.networks.blocks.mbconv import DepthwiseSeparable, InvertedResidual
from nas.networks.blocks.sepconv import ActivatedSeparable
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block

BLOCKS: Mapping[str, Callable[[Block, Arch, float], nn.Module]] = MappingProxyType(
    {
        "mbconv": InvertedResidual,
        "dsconv": DepthwiseSeparable,
        "sepconv": ActivatedSeparable,
        "fused": FusedInvertedResidual,
        "conv": ConvBlock,
        "bottleneck": Bottleneck,
        "convnext": ConvNeXtBlock,
        "identity": Reshape,
    }
)
"""The module of each kind, made of a block, its network and the rate at which its branch is
dropped."""


def make_block(block: Block, arch: Arch, drop_path: float) -> nn.Module:
    """The module of one block of `arch`, its branch dropped at rate `drop_path`."""
    if block.is_nothing():
        return nn.Identity()
    return BLOCKS[block.kind.name](block, arch, drop_path)
