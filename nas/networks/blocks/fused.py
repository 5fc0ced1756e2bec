"""Fused-MBConv."""

from torch import Tensor

from nas.networks.blocks.base import Residual, makers, squeeze_excite
from nas.networks.layers import activate
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block


class FusedInvertedResidual(Residual):
    """Fused-MBConv: a k×k conv expands, a 1×1 conv projects (arXiv 2104.00298)."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = makers(arch)
        inner = block.inner_channels
        self.conv_exp = conv(block.in_channels, inner, block.kernel, block.stride, block.groups)
        self.bn1 = norm(inner)
        self.act1 = activate(block.activation)
        self.se = squeeze_excite(inner, block, arch)
        self.conv_pwl = conv(inner, block.channels)
        self.bn2 = norm(block.channels)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.se(self.act1(self.bn1(self.conv_exp(x))))
        return self.add(self.bn2(self.conv_pwl(branch)), x)
