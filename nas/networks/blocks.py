"""The blocks of `search_spaces.blocks` as modules, their weights named as in timm."""

import functools
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.arch import Activation, Arch, BatchNorm, SqueezeExcite
from search_spaces.blocks import Block

Padding = Literal["torch", "same"]


class Conv(nn.Conv2d):
    """A conv that keeps the side of its map (divides it, rounded up, by its stride).

    Initialised as in the released EfficientNet code: normal, std √(2 / fan_out), where a depthwise
    conv's fan_out is k². Padding is TensorFlow's where asked for.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        *,
        bias: bool = False,
        padding: Padding = "torch",
    ) -> None:
        # The two paddings differ only where a stride makes them uneven.
        self.pads_same = padding == "same" and stride > 1 and kernel > 1
        pad = 0 if self.pads_same else kernel // 2
        super().__init__(inputs, outputs, kernel, stride, pad, groups=groups, bias=bias)

    def reset_parameters(self) -> None:
        fan_out = self.kernel_size[0] * self.kernel_size[1] * self.out_channels // self.groups
        nn.init.normal_(self.weight, std=(2 / fan_out) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.pads_same:
            x = pad_same(x, self.kernel_size[0], self.stride[0])
        return super().forward(x)


class Classifier(nn.Linear):
    """The last layer; uniform within ±1 / √classes to begin with."""

    def reset_parameters(self) -> None:
        bound = self.out_features**-0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.bias)


class DropPath(nn.Module):
    """Stochastic depth: leaves a sample's branch out with probability `rate` while training."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        keep = 1 - self.rate
        kept = x.new_empty((x.shape[0], 1, 1, 1)).bernoulli_(keep)
        return x * (kept.div_(keep) if keep else kept)

    def extra_repr(self) -> str:
        return f"rate={self.rate:.3f}"


class SqueezeExcitation(nn.Module):
    """Scales each channel by a gate computed from the means of all (arXiv 1709.01507)."""

    def __init__(
        self, channels: int, squeezed: int, activation: Activation, se: SqueezeExcite
    ) -> None:
        super().__init__()
        self.conv_reduce = Conv(channels, squeezed, bias=True)
        self.act1 = activate(se.activation or activation)
        self.conv_expand = Conv(squeezed, channels, bias=True)
        self.gate: nn.Module = nn.Hardsigmoid() if se.gate == "hard_sigmoid" else nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        squeezed = self.act1(self.conv_reduce(x.mean((2, 3), keepdim=True)))
        return x * self.gate(self.conv_expand(squeezed))  # type: ignore[no-any-return]


def pad_same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """`x` padded as TensorFlow's SAME: what is uneven goes to the right and below."""
    height, width = (
        max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]
    )
    edges = [width // 2, width - width // 2, height // 2, height - height // 2]
    return F.pad(x, edges, value=value)


def activate(activation: Activation) -> nn.Module:
    """The activation's module; in place where its gradient needs the result alone."""
    match activation:
        case "relu":
            return nn.ReLU(inplace=True)
        case "relu6":
            return nn.ReLU6(inplace=True)
        case "silu":
            return nn.SiLU()
        case "hard_swish":
            return nn.Hardswish()


def normalise(channels: int, batch_norm: BatchNorm) -> nn.BatchNorm2d:
    """Batch norm with the network's ε and momentum."""
    return nn.BatchNorm2d(channels, eps=batch_norm.eps, momentum=batch_norm.momentum)


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
        return self.act3(self.add(branch, self.downsample(x)))  # type: ignore[no-any-return]


class Reshape(nn.Module):
    """An identity whose output has another shape: 1×1 conv and batch norm."""

    def __init__(self, block: Block, arch: Arch) -> None:
        super().__init__()
        self.conv = Conv(block.in_channels, block.channels, stride=block.stride)
        self.bn1 = normalise(block.channels, arch.batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv(x))  # type: ignore[no-any-return]


class MaxPool(nn.Module):
    """ResNet's 3×3 max-pool of stride 2."""

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        if self.padding == "same":
            return F.max_pool2d(pad_same(x, 3, 2, value=-torch.inf), 3, 2)
        return F.max_pool2d(x, 3, 2, padding=1)
