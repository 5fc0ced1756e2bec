"""A conv as a block."""

from torch import Tensor

from nas.networks.blocks.base import Residual, makers, squeeze_excite
from nas.networks.layers import activate
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block


class ConvBlock(Residual):
    """A k×k conv with batch norm and activation."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = makers(arch)
        self.conv = conv(
            block.in_channels, block.channels, block.kernel, block.stride, block.groups
        )
        self.bn1 = norm(block.channels)
        self.act1 = activate(block.activation)
        self.se = squeeze_excite(block.channels, block, arch)

    def forward(self, x: Tensor) -> Tensor:
        return self.add(self.se(self.act1(self.bn1(self.conv(x)))), x)
