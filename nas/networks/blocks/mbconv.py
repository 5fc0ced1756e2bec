"""MBConv, and what it is without expansion."""

from torch import Tensor

from nas.networks.blocks.base import Residual, makers, squeeze_excite
from nas.networks.layers import activate
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block


class InvertedResidual(Residual):
    """MBConv: expand, depthwise conv, squeeze and excite, project (arXiv 1801.04381)."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = makers(arch)
        inner = block.inner_channels
        self.conv_pw = conv(block.in_channels, inner)
        self.bn1 = norm(inner)
        self.act1 = activate(block.activation)
        self.conv_dw = conv(inner, inner, block.kernel, block.stride, inner)
        self.bn2 = norm(inner)
        self.act2 = activate(block.activation)
        self.se = squeeze_excite(inner, block, arch)
        self.conv_pwl = conv(inner, block.channels)
        self.bn3 = norm(block.channels)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.act1(self.bn1(self.conv_pw(x)))
        branch = self.act2(self.bn2(self.conv_dw(branch)))
        return self.add(self.bn3(self.conv_pwl(self.se(branch))), x)


class DepthwiseSeparable(Residual):
    """Depthwise, then pointwise conv without activation: an MBConv without expansion."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = makers(arch)
        inputs = block.in_channels
        self.conv_dw = conv(inputs, inputs, block.kernel, block.stride, inputs)
        self.bn1 = norm(inputs)
        self.act1 = activate(block.activation)
        self.se = squeeze_excite(inputs, block, arch)
        self.conv_pw = conv(inputs, block.channels)
        self.bn2 = norm(block.channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.add(self.branch(x), x)

    def branch(self, x: Tensor) -> Tensor:
        """What is added to the input."""
        separate = self.se(self.act1(self.bn1(self.conv_dw(x))))
        return self.bn2(self.conv_pw(separate))  # type: ignore[no-any-return]
