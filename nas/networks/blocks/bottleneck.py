"""ResNet's bottleneck."""

from torch import Tensor, nn

from nas.networks.blocks.base import Residual, makers, squeeze_excite
from nas.networks.layers import activate
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block


class Bottleneck(Residual):
    """ResNet's, with the stride in its k×k conv (arXiv 1512.03385, Figure 5)."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = makers(arch)
        inner, outputs = block.inner_channels, block.channels
        self.conv1 = conv(block.in_channels, inner)
        self.bn1 = norm(inner)
        self.act1 = activate(block.activation)
        self.conv2 = conv(inner, inner, block.kernel, block.stride, block.groups)
        self.bn2 = norm(inner)
        self.act2 = activate(block.activation)
        self.conv3 = conv(inner, outputs)
        self.bn3 = norm(outputs)
        self.se = squeeze_excite(outputs, block, arch)
        self.downsample: nn.Module = nn.Identity()
        if block.skip and block.reshapes:
            projection = conv(block.in_channels, outputs, stride=block.stride)
            self.downsample = nn.Sequential(projection, norm(outputs))
        self.act3 = activate(block.activation)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.act1(self.bn1(self.conv1(x)))
        branch = self.act2(self.bn2(self.conv2(branch)))
        branch = self.se(self.bn3(self.conv3(branch)))
        shortcut = self.downsample(x) if self.skip else x
        return self.act3(self.add(branch, shortcut))  # type: ignore[no-any-return]
