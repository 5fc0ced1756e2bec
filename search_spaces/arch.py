"""`Arch`, the description of a network that everything here passes around."""

import dataclasses
import functools
import hashlib
from dataclasses import dataclass, field
from typing import Literal

from search_spaces.errors import UserError, shown
from search_spaces.limits import (
    MOST_CHANNELS,
    MOST_CLASSES,
    MOST_EXPAND,
    MOST_KERNEL,
    MOST_LAYERS,
    MOST_NAME,
    MOST_PIXELS,
    MOST_STAGES,
)
from search_spaces.rounding import round_channels

Op = Literal["mbconv", "sepconv", "fused", "bottleneck", "conv", "identity"]
Activation = Literal["relu", "relu6", "silu", "hard_swish"]
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
        _count("repeats", self.repeats, MOST_LAYERS)
        _odd("kernel", self.kernel)
        _one_of("stride", self.stride, (1, 2))
        _count("channels", self.channels, MOST_CHANNELS)
        _count("groups", self.groups, MOST_CHANNELS)
        if not self.expand > 0:
            raise UserError(f"expand: expected a number above 0, got {shown(self.expand)}")
        _within("expand", self.expand, 0, MOST_EXPAND)
        _within("se", self.se, 0, 1)
        _count("inner_divisor", self.inner_divisor, MOST_CHANNELS)
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
        _count("channels", self.channels, MOST_CHANNELS)
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
        _count("channels", self.channels, MOST_CHANNELS)


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
        _count("divisor", self.divisor, MOST_CHANNELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm:
    """Batch normalisation; momentum in PyTorch's convention (1 − TensorFlow's)."""

    eps: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.eps < 1:
            raise UserError(f"eps: expected a number between 0 and 1, got {shown(self.eps)}")
        _within("momentum", self.momentum, 0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arch:
    """A network: what a space yields, a cost prices, a builder builds and a scaler grows.

    Raises UserError for impossible values, naming the field and the stage.
    """

    name: str = "custom"
    """For people; two networks differing in nothing else are one. Files are named after it."""
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
        _check_name(self.name)
        _count("resolution", self.resolution, MOST_PIXELS)
        _count("in_channels", self.in_channels, MOST_CHANNELS)
        _count("num_classes", self.num_classes, MOST_CLASSES)
        _within("dropout", self.dropout, 0, 1)
        _within("drop_path", self.drop_path, 0, 1)
        if not self.stages:
            raise UserError("stages: expected at least one")
        if len(self.stages) > MOST_STAGES:
            raise UserError(f"stages: expected at most {MOST_STAGES}, got {len(self.stages)}")
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
    channels, layers = arch.stem.channels, 0
    for index, stage in enumerate(arch.stages):
        size = halved(size, stage.stride, f"stages[{index}]")
        if stage.groups > 1:
            _check_groups(stage, channels, f"stages[{index}]")
        channels = stage.channels
        layers += stage.repeats
    if layers > MOST_LAYERS:
        raise UserError(f"stages: expected at most {MOST_LAYERS} layers in all, got {layers}")


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

    laid: list[str] = []
    channels = arch.stem.channels
    for stage in arch.stages:
        first, other = stage_identity(stage, channels, arch.activation, arch.se)
        laid += (first, other * (stage.repeats - 1))
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


def name_after(folder: str, suffix: str = "") -> str:
    """A network's name after a folder, which may be called what no network may."""
    letters = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in folder)
    # Leaves room for what scaling adds.
    cut = letters.strip().lstrip(".").encode()[: MOST_NAME - 60].decode(errors="ignore").strip()
    return f"{cut or 'network'}{suffix}"


@functools.lru_cache(maxsize=256)
def _check_name(name: str) -> None:
    """Raises UserError for what would be hidden, lie elsewhere or be none as a file's name."""
    if not name.isprintable() or "/" in name or "\\" in name or name.strip() != name:
        raise UserError(f"name: expected printable letters without / and \\, got {shown(name)}")
    if not name or name.startswith("."):
        raise UserError(f"name: expected one that begins with no dot, got {shown(name)}")
    if len(name.encode()) > MOST_NAME:
        raise UserError(f"name: expected at most {MOST_NAME} bytes, got {shown(name)}")


def _count(name: str, value: int, most: int) -> None:
    if value < 1:
        raise UserError(f"{name}: expected at least 1, got {shown(value)}")
    if value > most:
        raise UserError(f"{name}: expected at most {most}, got {shown(value)}")


def _odd(name: str, value: int) -> None:
    if value < 1 or value % 2 == 0:
        raise UserError(f"{name}: expected an odd number, got {shown(value)}")
    _count(name, value, MOST_KERNEL)


def _one_of(name: str, value: int, options: tuple[int, ...]) -> None:
    if value not in options:
        raise UserError(
            f"{name}: expected one of {', '.join(map(str, options))}, got {shown(value)}"
        )


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError(f"{name}: expected a number from {low} to {high}, got {shown(value)}")
