"""The blocks of `search_spaces.blocks` as modules, their weights named as in timm."""

import functools
from collections.abc import Callable

from torch import Tensor, nn

from nas.networks.layers import Conv, DropPath, SqueezeExcitation, activate, normalise
from search_spaces.arch import Arch
from search_spaces.blocks import Block


def make_block(block: Block, arch: Arch, drop_path: float) -> nn.Module:
    """The module of one block of `arch`, its branch dropped at rate `drop_path`."""
    match block.op:
        case "mbconv":
            return InvertedResidual(block, arch, drop_path)
        case "dsconv" | "sepconv":
            return DepthwiseSeparable(block, arch, drop_path)
        case "fused":
            return FusedInvertedResidual(block, arch, drop_path)
        case "conv":
            return ConvBlock(block, arch, drop_path)
        case "bottleneck":
            return Bottleneck(block, arch, drop_path)
        case "identity":
            return Reshape(block, arch) if block.reshapes else nn.Identity()


class _Residual(nn.Module):
    """What the blocks share: the addition of their input, where they have a skip."""

    def __init__(self, block: Block, drop_path: float) -> None:
        super().__init__()
        self.skip = block.skip
        self.drop_path: nn.Module = DropPath(drop_path) if drop_path else nn.Identity()

    def add(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        return self.drop_path(branch) + shortcut if self.skip else branch


def _layers(arch: Arch) -> tuple[Callable[..., Conv], Callable[[int], nn.BatchNorm2d]]:
    """The makers of the network's convs and batch norms."""
    norm = functools.partial(normalise, batch_norm=arch.batch_norm)
    return functools.partial(Conv, padding=arch.padding), norm


def _squeeze_excite(channels: int, block: Block, arch: Arch) -> nn.Module:
    if not block.se_channels:
        return nn.Identity()
    return SqueezeExcitation(channels, block.se_channels, block.activation, arch.se)


class InvertedResidual(_Residual):
    """MBConv: expand, depthwise conv, squeeze and excite, project (arXiv 1801.04381)."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = _layers(arch)
        inner = block.inner_channels
        self.conv_pw = conv(block.in_channels, inner)
        self.bn1 = norm(inner)
        self.act1 = activate(block.activation)
        self.conv_dw = conv(inner, inner, block.kernel, block.stride, inner)
        self.bn2 = norm(inner)
        self.act2 = activate(block.activation)
        self.se = _squeeze_excite(inner, block, arch)
        self.conv_pwl = conv(inner, block.channels)
        self.bn3 = norm(block.channels)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.act1(self.bn1(self.conv_pw(x)))
        branch = self.act2(self.bn2(self.conv_dw(branch)))
        return self.add(self.bn3(self.conv_pwl(self.se(branch))), x)


class DepthwiseSeparable(_Residual):
    """Depthwise, then pointwise conv, the latter without activation unless it is a `sepconv`."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = _layers(arch)
        inputs = block.in_channels
        self.conv_dw = conv(inputs, inputs, block.kernel, block.stride, inputs)
        self.bn1 = norm(inputs)
        self.act1 = activate(block.activation)
        self.se = _squeeze_excite(inputs, block, arch)
        self.conv_pw = conv(inputs, block.channels)
        self.bn2 = norm(block.channels)
        self.act2 = activate(block.activation) if block.op == "sepconv" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.se(self.act1(self.bn1(self.conv_dw(x))))
        return self.add(self.act2(self.bn2(self.conv_pw(branch))), x)


class FusedInvertedResidual(_Residual):
    """Fused-MBConv: a k×k conv expands, a 1×1 conv projects (arXiv 2104.00298)."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = _layers(arch)
        inner = block.inner_channels
        self.conv_exp = conv(block.in_channels, inner, block.kernel, block.stride, block.groups)
        self.bn1 = norm(inner)
        self.act1 = activate(block.activation)
        self.se = _squeeze_excite(inner, block, arch)
        self.conv_pwl = conv(inner, block.channels)
        self.bn2 = norm(block.channels)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.se(self.act1(self.bn1(self.conv_exp(x))))
        return self.add(self.bn2(self.conv_pwl(branch)), x)


class ConvBlock(_Residual):
    """A k×k conv with batch norm and activation."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = _layers(arch)
        self.conv = conv(
            block.in_channels, block.channels, block.kernel, block.stride, block.groups
        )
        self.bn1 = norm(block.channels)
        self.act1 = activate(block.activation)
        self.se = _squeeze_excite(block.channels, block, arch)

    def forward(self, x: Tensor) -> Tensor:
        return self.add(self.se(self.act1(self.bn1(self.conv(x)))), x)


class Bottleneck(_Residual):
    """ResNet's, with the stride in its k×k conv (arXiv 1512.03385, Figure 5)."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, drop_path)
        conv, norm = _layers(arch)
        inner, outputs = block.inner_channels, block.channels
        self.conv1 = conv(block.in_channels, inner)
        self.bn1 = norm(inner)
        self.act1 = activate(block.activation)
        self.conv2 = conv(inner, inner, block.kernel, block.stride, block.groups)
        self.bn2 = norm(inner)
        self.act2 = activate(block.activation)
        self.conv3 = conv(inner, outputs)
        self.bn3 = norm(outputs)
        self.se = _squeeze_excite(outputs, block, arch)
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


class Reshape(nn.Module):
    """An identity whose output has another shape: 1×1 conv and batch norm."""

    def __init__(self, block: Block, arch: Arch) -> None:
        super().__init__()
        self.conv = Conv(block.in_channels, block.channels, stride=block.stride)
        self.bn1 = normalise(block.channels, arch.batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv(x))  # type: ignore[no-any-return]
