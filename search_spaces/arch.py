"""`Arch`, the description of a network that everything here passes around."""

import dataclasses
import functools
import hashlib
from dataclasses import dataclass, field
from typing import Literal, get_args

from search_spaces.activations import Activation
from search_spaces.checks import check_count, check_one_of, check_within
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError, shown
from search_spaces.kinds import KINDS
from search_spaces.kinds.layers import Norm, side_after
from search_spaces.limits import (
    MOST_CHANNELS,
    MOST_CLASSES,
    MOST_LAYERS,
    MOST_NAME,
    MOST_PIXELS,
    MOST_STAGES,
)
from search_spaces.stage import BatchNorm, SqueezeExcite, Stage, grouped_sides
from search_spaces.stage_blocks import distinct_blocks, stage_identity


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
    """Stochastic depth: block i of N is dropped at drop_path · i / N, per sample; where the last
    that does something is of ConvNeXt's, at drop_path · i / (N − 1)."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        check_count("resolution", self.resolution, MOST_PIXELS)
        check_count("in_channels", self.in_channels, MOST_CHANNELS)
        check_count("num_classes", self.num_classes, MOST_CLASSES)
        check_within("dropout", self.dropout, 0, 1)
        check_within("drop_path", self.drop_path, 0, 1)
        check_one_of("activation", self.activation, get_args(Activation))
        check_one_of("padding", self.padding, ("torch", "same"))
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
    stem = arch.stem
    size = _divided(arch.resolution, stem.stride, stem.padded, "stem")
    if stem.pool:
        size = _divided(size, 2, True, "stem.pool")
    channels, layers = stem.channels, 0
    for index, stage in enumerate(arch.stages):
        if stage.stride > 1:
            size = _divided(size, stage.stride, KINDS[stage.op].padded, f"stages[{index}]")
        if stage.groups > 1:
            _check_groups(stage, channels, f"stages[{index}]")
        channels = stage.channels
        layers += stage.repeats
    if layers > MOST_LAYERS:
        raise UserError(f"stages: expected at most {MOST_LAYERS} layers in all, got {layers}")


def _divided(size: int, stride: int, padded: bool, where: str) -> int:
    """Side of the feature map after a strided conv; raises UserError where nothing is left."""
    if stride > 1 and (size == 1 or (size < stride and not padded)):
        raise UserError(
            f"{where}: the feature map vanishes: stride {stride} over a {size}×{size} map"
        )
    return side_after(size, stride, padded)


def _check_groups(stage: Stage, channels: int, where: str) -> None:
    for block_input in (channels, stage.channels)[: stage.repeats]:
        for side in grouped_sides(stage, block_input):
            if side % stage.groups:
                raise UserError(f"{where}.groups: {stage.groups} do not divide {side} channels")


def _key(arch: Arch) -> str:
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
        arch.head.channels if arch.head.has_conv else 0,
        *_shared(arch),
        float(arch.dropout),
        float(arch.drop_path),
    )
    return hashlib.sha256(f"{around}{''.join(laid)}".encode()).hexdigest()[:16]


def _shared(arch: Arch) -> tuple[object, ...]:
    """What keys hold of the settings that layers share, each only where a layer goes by it."""
    norm = arch.batch_norm
    if arch.stem.kind == "conv":
        return arch.activation, (float(norm.eps), float(norm.momentum)), arch.padding
    channels = (arch.stem.channels, *(stage.channels for stage in arch.stages))
    layers = [
        layer
        for stage, fed in zip(arch.stages, channels, strict=False)
        for block in distinct_blocks(stage, fed, 1, arch.activation, arch.se)
        for layer in block.layers()
    ]
    normalises = any(isinstance(layer, Norm) and layer.kind == "batch" for layer in layers)
    pads = any(stage.stride > 1 and KINDS[stage.op].padded for stage in arch.stages)
    # The stages' own activations are told with their blocks.
    return (
        arch.activation if arch.head.has_conv else None,
        (float(norm.eps), float(norm.momentum)) if normalises or arch.head.kind == "conv" else None,
        arch.padding if pads else None,
    )


# Keys are asked of every candidate a search looks at.
@functools.lru_cache(maxsize=1024)
def _spelt(stem: Stem) -> str:
    """A stem as keys have it: text that stays as it was when a stem gets further fields."""
    kernel = f"kernel={stem.kernel}, stride={stem.stride}, pool={stem.pool}"
    kind = "" if stem.kind == "conv" else f", kind={stem.kind!r}"
    return f"Stem(channels={stem.channels}, {kernel}{kind})"


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
