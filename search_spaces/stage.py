"""A stage, a run of equal blocks, and what its fields come to for a block of it."""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any, Literal, get_args

from search_spaces.activations import Activation
from search_spaces.checks import check_count, check_kernel, check_one_of, check_within
from search_spaces.errors import UserError, shown
from search_spaces.kinds import KINDS
from search_spaces.kinds.base import COMMON_FIELDS, Kind
from search_spaces.limits import MOST_CHANNELS, MOST_EXPAND, MOST_LAYERS
from search_spaces.parsing import closest
from search_spaces.rounding import round_channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A run of equal blocks; the first takes the stride and the change of channels.

    Raises UserError for impossible values, and for a field set away from its default that the kind
    of block does not take.
    """

    op: str = "mbconv"
    """The kind of block, by its name in `search_spaces.kinds`: `mbconv`, inverted residual (no
    expansion conv at expand 1, unless `always_expand`); `sepconv`, depthwise then pointwise, each
    with activation (MobileNetV1); `fused`, Fused-MBConv (one conv at expand 1); `bottleneck`,
    ResNet's; `conv`; `convnext` (arXiv 2201.03545); `identity` (1×1 conv + BN where shape
    changes)."""
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
        if not isinstance(self.op, str) or self.op not in KINDS:
            raise UserError(f"op: got {shown(self.op)}{closest(self.op, KINDS)}")
        check_count("repeats", self.repeats, MOST_LAYERS)
        check_kernel("kernel", self.kernel)
        check_one_of("stride", self.stride, (1, 2))
        check_count("channels", self.channels, MOST_CHANNELS)
        check_count("groups", self.groups, MOST_CHANNELS)
        if not self.expand > 0:
            raise UserError(f"expand: expected a number above 0, got {shown(self.expand)}")
        check_within("expand", self.expand, 0, MOST_EXPAND)
        check_within("se", self.se, 0, 1)
        check_count("inner_divisor", self.inner_divisor, MOST_CHANNELS)
        check_one_of("activation", self.activation, (None, *get_args(Activation)))
        for name, default in _not_taken(self.op):
            if getattr(self, name) != default:
                raise UserError(f"{name}: {self.op} takes none, got {shown(getattr(self, name))}")

    def replace(self, **changes: Any) -> "Stage":
        """This stage with some fields changed. Where that makes it of another kind, fields of the
        old kind that the new one does not take return to their defaults."""
        op = changes.get("op", self.op)
        if op != self.op and op in KINDS:
            changes = {**dict(_not_taken(op)), **changes}
        return dataclasses.replace(self, **changes)


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
        check_one_of("reduce", self.reduce, ("input", "inner"))
        check_count("divisor", self.divisor, MOST_CHANNELS)
        check_one_of("activation", self.activation, (None, *get_args(Activation)))
        check_one_of("gate", self.gate, ("sigmoid", "hard_sigmoid"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm:
    """Batch normalisation; momentum in PyTorch's convention (1 − TensorFlow's)."""

    eps: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.eps < 1:
            raise UserError(f"eps: expected a number between 0 and 1, got {shown(self.eps)}")
        check_within("momentum", self.momentum, 0, 1)


def block_kind(stage: Stage) -> Kind:
    """What the stage's blocks are: its own kind, or what that is without expansion."""
    kind = KINDS[stage.op]
    if kind.unexpanded is None or stage.expand != 1 or stage.always_expand:
        return kind
    return kind.unexpanded


def expands(stage: Stage) -> bool:
    """Whether the stage's blocks begin with an expansion that could be left out."""
    return block_kind(stage).unexpanded is not None


def inner_channels(stage: Stage, channels: int) -> int:
    """Channels inside a block of the stage that is fed `channels`."""
    kind = block_kind(stage)
    whole = channels if kind.inner_of == "input" else stage.channels
    if "expand" not in kind.takes:
        return whole
    exact = whole * stage.expand
    if stage.inner_divisor == 1:
        return max(1, round(exact))
    return round_channels(exact, 1, stage.inner_divisor)


def squeezed_channels(stage: Stage, channels: int, inner: int, se: SqueezeExcite) -> int:
    """Channels that a block fed `channels`, with `inner` inside, squeezes to; 0 without SE."""
    if not stage.se:
        return 0
    seen = stage.channels if block_kind(stage).squeezes == "output" else inner
    reduced = (channels if se.reduce == "input" else seen) * stage.se
    return max(1, int(reduced)) if se.divisor == 1 else round_channels(reduced, 1, se.divisor)


def grouped_sides(stage: Stage, channels: int) -> tuple[int, ...]:
    """What a stage's groups must divide in a block of it that is fed `channels`."""
    sides = {"input": channels, "inner": inner_channels(stage, channels)}
    return tuple(sides[side] for side in block_kind(stage).grouped)


def taken_fields(op: str) -> tuple[str, ...]:
    """The fields that mean something in a stage of that kind."""
    refused = dict(_not_taken(op))
    return tuple(f.name for f in dataclasses.fields(Stage) if f.name not in refused)


@functools.cache
def _not_taken(op: str) -> tuple[tuple[str, Any], ...]:
    """Fields that a kind does not take, with the defaults they have to have."""
    takes = {*COMMON_FIELDS, *KINDS[op].takes}
    return tuple((f.name, f.default) for f in dataclasses.fields(Stage) if f.name not in takes)
