"""ConvNeXt's block."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from nas.networks.blocks.base import Residual
from nas.networks.layers import LAYER_NORM_EPS, Conv, LayerNorm, activate
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block

_SCALE = 1e-6
"""What layer scale starts at."""
_DEVIATION = 0.02
"""Of initial weights."""


class ConvNeXtBlock(Residual):
    """Depthwise conv, layer norm, expansion, projection, layer scale (arXiv 2201.03545)."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        channels, inner = block.channels, block.inner_channels
        self.downsample: nn.Module = nn.Identity()
        if block.reshapes:
            patches = Conv(
                block.in_channels, channels, block.stride, block.stride, bias=True, padding=None
            )
            self.downsample = nn.Sequential(LayerNorm(block.in_channels), patches)
        self.conv_dw = Conv(channels, channels, block.kernel, groups=channels, bias=True)
        self.norm = nn.LayerNorm(channels, eps=LAYER_NORM_EPS)
        self.mlp = nn.Sequential(
            OrderedDict(
                fc1=nn.Linear(channels, inner),
                act=activate(block.activation),
                fc2=nn.Linear(inner, channels),
            )
        )
        self.gamma = nn.Parameter(torch.full((channels,), _SCALE))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and not module.weight.is_meta:
                nn.init.trunc_normal_(module.weight, std=_DEVIATION)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.downsample(x)
        branch = self.norm(self.conv_dw(x).permute(0, 2, 3, 1))
        branch = self.mlp(branch) * self.gamma
        return self.add(branch.permute(0, 3, 1, 2), x)
