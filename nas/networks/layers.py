"""The layers networks are made of, with the paper's initial weights."""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.networks.depthwise import over_small_map
from search_spaces.activations import Activation
from search_spaces.stage import BatchNorm, SqueezeExcite

Padding = Literal["torch", "same"]

LAYER_NORM_EPS = 1e-6
"""ConvNeXt's and the vision transformers'."""
_FEW_PIXELS = 16384
"""Pixels of a whole batch. With more of them the two ways of doing a 1×1 conv are equally fast."""


class Conv(nn.Conv2d):
    """A conv that keeps the side of its map (divides it, rounded up, by its stride); or, without
    padding, one over patches that touch, of its stride's side (divides it, rounded down).

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
        padding: Padding | None = "torch",
    ) -> None:
        # The two paddings differ only where a stride makes them uneven.
        self.pads_same = padding == "same" and stride > 1 and kernel > 1
        pad = 0 if self.pads_same or padding is None else kernel // 2
        super().__init__(inputs, outputs, kernel, stride, pad, groups=groups, bias=bias)

    def reset_parameters(self) -> None:
        if self.weight.is_meta:  # drawing nothing takes a third of building
            return
        fan_out = self.kernel_size[0] * self.kernel_size[1] * self.out_channels // self.groups
        nn.init.normal_(self.weight, std=(2 / fan_out) ** 0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.pads_same:
            x = pad_same(x, self.kernel_size[0], self.stride[0])
        elif self.training and not x.is_meta:
            side = max(x.shape[-2:])
            if self.kernel_size[0] % 2 and (side == 1 or side < self.kernel_size[0]):
                return self._over_small_map(x, side)
            if self._is_linear_over(x):
                return F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(
                    0, 3, 1, 2
                )
        return super().forward(x)

    def _is_linear_over(self, x: Tensor) -> bool:
        """Whether this is a 1×1 conv of few pixels on the CPU, where setting up a conv and its
        gradient takes twice the time of the same product as a linear layer."""
        pointwise = self.kernel_size == self.stride == (1, 1) and self.groups == 1
        pixels = x.shape[0] * x.shape[2] * x.shape[3]
        return pointwise and pixels <= _FEW_PIXELS and x.device.type == "cpu"

    def _over_small_map(self, x: Tensor, side: int) -> Tensor:
        """Give the same result by the taps that meet the map at all: proxies train on tiny images,
        where a 5×5 kernel over a 1×1 map would take a third of the step."""
        centre, reach = self.kernel_size[0] // 2, side - 1
        met = slice(max(0, centre - reach), centre + reach + 1)
        weight = self.weight[..., met, met]
        if side == 1 and self.groups == 1:
            return F.linear(x.flatten(1), weight.flatten(1), self.bias)[..., None, None]
        depthwise = self.groups == self.in_channels == self.out_channels
        if side == 1 and self.bias is None and depthwise:
            return x * weight.view(1, -1, 1, 1)
        if depthwise and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu"):
            found = over_small_map(x, weight, (self.stride[0], self.stride[1]))
            return found if self.bias is None else found + self.bias.view(1, -1, 1, 1)
        padding = weight.shape[-1] // 2
        return F.conv2d(x, weight, self.bias, self.stride, padding, groups=self.groups)


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
        squeezed = self.act1(self.conv_reduce(self._means(x)))
        return x * self.gate(self.conv_expand(squeezed))  # type: ignore[no-any-return]

    def _means(self, x: Tensor) -> Tensor:
        """Give each channel's mean. A mean's gradient would be written out as a map of one number,
        a sum's is not: 2 % of a step at 224 px."""
        if not self.training:
            return x.mean((2, 3), keepdim=True)
        return x.sum((2, 3), keepdim=True) / (x.shape[2] * x.shape[3])


def pad_same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """`x` padded as TensorFlow's SAME: what is uneven goes to the right and below."""
    height, width = (
        max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]
    )
    edges = [width // 2, width - width // 2, height // 2, height - height // 2]
    return F.pad(x, edges, value=value)


_ACTIVATIONS: Mapping[Activation, Callable[[], nn.Module]] = MappingProxyType(
    {
        "relu": functools.partial(nn.ReLU, inplace=True),
        "relu6": functools.partial(nn.ReLU6, inplace=True),
        "silu": nn.SiLU,
        "hard_swish": nn.Hardswish,
        "gelu": nn.GELU,
    }
)
ACTIVATION_MODULES = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU)
"""The classes of what `activate` gives."""


def activate(activation: Activation) -> nn.Module:
    """The activation's module; in place where its gradient needs the result alone."""
    return _ACTIVATIONS[activation]()


def normalise(channels: int, batch_norm: BatchNorm) -> nn.BatchNorm2d:
    """Batch norm with the network's ε and momentum."""
    return nn.BatchNorm2d(channels, eps=batch_norm.eps, momentum=batch_norm.momentum)


class LayerNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel of a map (batch, channels, height, width), or of
    a vector (batch, channels)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=LAYER_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 2:
            return super().forward(x)
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class MaxPool(nn.Module):
    """ResNet's 3×3 max-pool of stride 2."""

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        if self.padding == "same":
            return F.max_pool2d(pad_same(x, 3, 2, value=-torch.inf), 3, 2)
        return F.max_pool2d(x, 3, 2, padding=1)
