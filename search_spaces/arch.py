"""`Arch`, the description of a network that everything here passes around."""

import dataclasses
import functools
import hashlib
from dataclasses import dataclass, field
from typing import Literal

from search_spaces.errors import UserError
from search_spaces.rounding import round_channels

Op = Literal["mbconv", "sepconv", "fused", "bottleneck", "conv", "identity"]
Activation = Literal["relu", "relu6", "silu", "hard_swish"]
MOST = 100_000_000
"""Of anything counted; more is a slip of the keyboard, and would fill the memory."""
GROUPED: frozenset[str] = frozenset({"fused", "bottleneck", "conv"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A run of equal blocks; the first takes the stride and the change of channels."""

    op: Op = "mbconv"
    """`mbconv`: inverted residual (no expansion conv at expand 1, unless `always_expand`);
    `sepconv`: depthwise then
    pointwise, each with activation (MobileNetV1); `fused`: Fused-MBConv (one conv at expand 1);
    `bottleneck`: ResNet's; `conv`; `identity` (1×1 conv + BN where shape changes)."""
    repeats: int = 1
    """Blocks in the stage."""
    kernel: int = 3
    """Odd kernel side in pixels."""
    stride: int = 1
    """Stride of the first block."""
    expand: float = 1.0
    """Inner channels over the block's input channels; for `bottleneck` over its output channels."""
    channels: int
    """Output channels."""
    se: float = 0.0
    """Squeeze-and-excitation ratio; 0 for none. What it is a ratio of: see SqueezeExcite."""
    skip: bool = True
    """Add the block's input to its output, where their shapes agree."""
    groups: int = 1
    """Groups of the k×k conv of `fused`, `bottleneck` and `conv`."""
    activation: Activation | None = None
    """The network's own when None."""
    continues: bool = False
    """Counted with the stage before it in names of weights, as timm groups unequal blocks."""
    always_expand: bool = False
    """Keep the expansion conv of `mbconv` and `fused` at expand 1 too (FBNet, timm's `ir_e1`)."""
    inner_divisor: int = 1
    """Inner channels of `mbconv` and `fused` are rounded to its multiples, as MobileNetV3's are to
    those of 8; at 1 to the nearest whole number."""

    def __post_init__(self) -> None:
        _count("repeats", self.repeats, 1)
        _odd("kernel", self.kernel)
        _one_of("stride", self.stride, (1, 2))
        _count("channels", self.channels, 1)
        _count("groups", self.groups, 1)
        if not self.expand > 0:
            raise UserError(f"expand: expected a number above 0, got {self.expand}")
        _within("expand", self.expand, 0, MOST)
        _within("se", self.se, 0, 1)
        _count("inner_divisor", self.inner_divisor, 1)
        if self.groups != 1 and self.op not in GROUPED:
            raise UserError(f"groups: {self.op} takes none, got {self.groups}")
        if self.se and self.op == "identity":
            raise UserError(f"se: {self.op} takes none, got {self.se}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stem:
    """The first conv, with BN and activation, and ResNet's 3×3 max-pool of stride 2."""

    channels: int = 32
    kernel: int = 3
    stride: int = 2
    pool: bool = False

    def __post_init__(self) -> None:
        _count("channels", self.channels, 1)
        _odd("kernel", self.kernel)
        _one_of("stride", self.stride, (1, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands between the last stage and the classifier."""

    kind: Literal["conv", "pooled_conv", "pool"] = "conv"
    """`conv`: 1×1 conv, BN, activation, pool (EfficientNet); `pooled_conv`: pool, 1×1 conv with
    bias, activation (MobileNetV3); `pool`: pool alone (ResNet, MobileNetV1)."""
    channels: int = 1280
    """Features of the 1×1 conv; without meaning for `pool`."""

    def __post_init__(self) -> None:
        _count("channels", self.channels, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqueezeExcite:
    """How squeeze-and-excitation is spelt across a network."""

    reduce: Literal["input", "inner"] = "input"
    """The ratio is of the block's input channels (EfficientNet, MnasNet) or of the channels the
    squeeze sees (MobileNetV3, ResNet)."""
    divisor: int = 1
    """Squeezed channels are rounded to its multiples; at 1 they are truncated, at least 1."""
    activation: Activation | None = None
    """The block's own when None."""
    gate: Literal["sigmoid", "hard_sigmoid"] = "sigmoid"

    def __post_init__(self) -> None:
        _count("divisor", self.divisor, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm:
    """Batch normalisation; momentum in PyTorch's convention (1 − TensorFlow's)."""

    eps: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.eps < 1:
            raise UserError(f"eps: expected a number between 0 and 1, got {self.eps}")
        _within("momentum", self.momentum, 0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arch:
    """A network: what a space yields, a cost prices, a builder builds and a scaler grows.

    Raises UserError for impossible values, naming the field and the stage.
    """

    name: str = "custom"
    """For people; two networks differing in nothing else are one."""
    resolution: int = 224
    """Side of the square input in pixels."""
    in_channels: int = 3
    num_classes: int = 1000
    stem: Stem = field(default_factory=Stem)
    stages: tuple[Stage, ...]
    head: Head = field(default_factory=Head)
    activation: Activation = "silu"
    se: SqueezeExcite = field(default_factory=SqueezeExcite)
    batch_norm: BatchNorm = field(default_factory=BatchNorm)
    padding: Literal["torch", "same"] = "torch"
    """`torch`: symmetric, k // 2; `same`: TensorFlow's, more on the right and below."""
    dropout: float = 0.2
    """Rate before the classifier."""
    drop_path: float = 0.2
    """Stochastic depth: block i of N is dropped at drop_path · i / N, per sample."""

    def __post_init__(self) -> None:
        _count("resolution", self.resolution, 1)
        _count("in_channels", self.in_channels, 1)
        _count("num_classes", self.num_classes, 1)
        _within("dropout", self.dropout, 0, 1)
        _within("drop_path", self.drop_path, 0, 1)
        if not self.stages:
            raise UserError("stages: expected at least one")
        if self.stages[0].continues:
            raise UserError("stages[0].continues: there is no stage before it")
        _check_shapes(self)

    def key(self) -> str:
        """16 hex digits that equal networks share, whatever their names and spelling."""
        return _key(self)

    def replace(self, **changes: object) -> "Arch":
        """This network with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


def _check_shapes(arch: Arch) -> None:
    size = halved(arch.resolution, arch.stem.stride, "stem")
    if arch.stem.pool:
        size = halved(size, 2, "stem.pool")
    channels = arch.stem.channels
    for index, stage in enumerate(arch.stages):
        size = halved(size, stage.stride, f"stages[{index}]")
        if stage.groups > 1:
            _check_groups(stage, channels, f"stages[{index}]")
        channels = stage.channels


def halved(size: int, stride: int, where: str) -> int:
    """Side of the feature map after a padded conv; raises UserError where nothing is left."""
    if stride > 1 and size == 1:
        raise UserError(f"{where}: the feature map vanishes: stride {stride} over a 1×1 map")
    return -(-size // stride)


def _check_groups(stage: Stage, channels: int, where: str) -> None:
    for block_input in (channels, stage.channels)[: stage.repeats]:
        for side in grouped_sides(stage, block_input):
            if side % stage.groups:
                raise UserError(f"{where}.groups: {stage.groups} do not divide {side} channels")


def grouped_sides(stage: Stage, channels: int) -> tuple[int, ...]:
    """What a stage's groups must divide in a block of it that is fed `channels`."""
    inner = inner_channels(stage, channels)
    return (inner,) if stage.op == "bottleneck" else (channels, inner)


def expands(stage: Stage) -> bool:
    """Whether the stage's blocks begin with an expansion conv."""
    return stage.op in ("mbconv", "fused") and (stage.expand != 1 or stage.always_expand)


def inner_channels(stage: Stage, channels: int) -> int:
    """Channels inside a block of the stage that is fed `channels`."""
    if expands(stage):
        exact, divisor = channels * stage.expand, stage.inner_divisor
        return max(1, round(exact)) if divisor == 1 else round_channels(exact, 1, divisor)
    if stage.op == "bottleneck":
        return max(1, round(stage.channels * stage.expand))
    return channels if stage.op in ("mbconv", "sepconv") else stage.channels


def _key(arch: Arch) -> str:
    from search_spaces.blocks import stage_identity  # blocks are made of stages

    laid = []
    channels = arch.stem.channels
    for stage in arch.stages:
        laid.append(stage_identity(stage, channels, arch.activation, arch.se))
        channels = stage.channels
    around = (
        arch.resolution,
        arch.in_channels,
        arch.num_classes,
        _spelt(arch.stem),
        arch.head.kind,
        arch.head.channels if arch.head.kind != "pool" else 0,
        arch.activation,
        (float(arch.batch_norm.eps), float(arch.batch_norm.momentum)),
        arch.padding,
        float(arch.dropout),
        float(arch.drop_path),
    )
    return hashlib.sha256(f"{around}{''.join(laid)}".encode()).hexdigest()[:16]


# Keys are asked of every candidate a search looks at.
_spelt = functools.lru_cache(maxsize=1024)(repr)


def _count(name: str, value: int, least: int) -> None:
    if value < least:
        raise UserError(f"{name}: expected at least {least}, got {value}")
    if value > MOST:
        raise UserError(f"{name}: expected at most {MOST}, got {value}")


def _odd(name: str, value: int) -> None:
    if value < 1 or value % 2 == 0:
        raise UserError(f"{name}: expected an odd number, got {value}")
    _count(name, value, 1)


def _one_of(name: str, value: int, options: tuple[int, ...]) -> None:
    if value not in options:
        raise UserError(f"{name}: expected one of {', '.join(map(str, options))}, got {value}")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError(f"{name}: expected a number from {low} to {high}, got {value}")
