"""What stands before a network's stages and after them, and the layers of both."""

import functools
from dataclasses import dataclass
from typing import Literal

from search_spaces.checks import check_count, check_kernel, check_one_of
from search_spaces.errors import UserError
from search_spaces.kinds.layers import Conv, Layer, Linear, Norm, side_after
from search_spaces.limits import MOST_CHANNELS, MOST_KERNEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Stem:
    """What the images meet first."""

    channels: int = 32
    kernel: int = 3
    stride: int = 2
    pool: bool = False
    """ResNet's 3×3 max-pool of stride 2, after the rest."""
    kind: Literal["conv", "patch"] = "conv"
    """`conv`: padded conv, BN, activation; `patch`: conv over patches that touch, its kernel its
    stride, with bias and without padding, then layer norm (ConvNeXt)."""

    def __post_init__(self) -> None:
        check_count("channels", self.channels, MOST_CHANNELS)
        check_one_of("kind", self.kind, ("conv", "patch"))
        if self.kind == "conv":
            check_kernel("kernel", self.kernel)
            check_one_of("stride", self.stride, (1, 2))
            return
        check_count("stride", self.stride, MOST_KERNEL)
        if self.kernel != self.stride:
            raise UserError(f"kernel: expected a patch's stride, {self.stride}, got {self.kernel}")
        if self.pool:
            raise UserError("pool: a patch stem takes none, got True")

    @property
    def padded(self) -> bool:
        """Whether its conv pads: an odd side is rounded up when divided, else down."""
        return self.kind == "conv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands between the last stage and the classifier."""

    kind: Literal["conv", "pooled_conv", "pool", "pooled_norm"] = "conv"
    """`conv`: 1×1 conv, BN, activation, pool (EfficientNet); `pooled_conv`: pool, 1×1 conv with
    bias, activation (MobileNetV3); `pool`: pool alone (ResNet, MobileNetV1); `pooled_norm`: pool,
    layer norm (ConvNeXt)."""
    channels: int = 1280
    """Features of the 1×1 conv; without meaning where there is none."""

    def __post_init__(self) -> None:
        check_one_of("kind", self.kind, ("conv", "pooled_conv", "pool", "pooled_norm"))
        check_count("channels", self.channels, MOST_CHANNELS)

    @property
    def has_conv(self) -> bool:
        """Whether a conv makes features of what the last stage gives."""
        return self.kind in ("conv", "pooled_conv")


def stem_side(stem: Stem, resolution: int) -> int:
    """Side of the map that the stem makes of images of side `resolution`."""
    size = side_after(resolution, stem.stride, stem.padded)
    return side_after(size, 2) if stem.pool else size


@functools.lru_cache(maxsize=1024)
def stem_layers(stem: Stem, in_channels: int, resolution: int) -> tuple[Conv, Norm]:
    """The stem's layers in the order they run; a pool comes after them."""
    patch = stem.kind == "patch"
    conv = Conv(
        *("conv_stem", in_channels, stem.channels, resolution, stem.kernel, stem.stride),
        bias=patch,
        padded=stem.padded,
    )
    return conv, Norm("norm1", stem.channels, "layer") if patch else Norm("bn1", stem.channels)


def head_layers(head: Head, channels: int, size: int, num_classes: int) -> tuple[Layer, ...]:
    """The head's layers, fed `channels` maps of side `size`, in the order they run."""
    match head.kind:
        case "conv":
            conv = Conv("conv_head", channels, head.channels, size)
            return (
                conv,
                Norm("bn2", head.channels),
                Linear("classifier", head.channels, num_classes),
            )
        case "pooled_conv":
            conv = Conv("conv_head", channels, head.channels, 1, bias=True)
            return conv, Linear("classifier", head.channels, num_classes)
        case "pool":
            return (Linear("classifier", channels, num_classes),)
        case "pooled_norm":
            return Norm("norm2", channels, "layer"), Linear("classifier", channels, num_classes)
