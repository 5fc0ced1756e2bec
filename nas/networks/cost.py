"""What a network costs, by arithmetic alone: exact for whatever `build` makes, without torch."""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from search_spaces.arch import Activation, Arch, Head, SqueezeExcite, Stage, Stem
from search_spaces.blocks import Block, distinct_blocks

FLOAT32_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one forward pass of one image."""

    params: int
    """Trainable parameters, those of batch norm included."""
    macs: int
    """Multiply–adds of conv and linear layers, biases not counted (what the paper calls FLOPs)."""
    activations: int
    """Elements written by convs."""
    peak_activations: int
    """Most elements alive at once when layers run in order. Batch norm, activations, SE's scaling
    and the addition of a skip count as done in place, as inference engines do them."""

    @property
    def weight_bytes(self) -> int:
        """Bytes of the parameters in float32."""
        return self.params * FLOAT32_BYTES

    @property
    def peak_activation_bytes(self) -> int:
        """Bytes of the most activations alive at once, float32, batch 1."""
        return self.peak_activations * FLOAT32_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a network's stages can hold, with diminishing returns for each: an even share is more.

    The logarithm of the error goes by theirs better than by those of totals: they explain 90 % of
    its variation over Accel-NASBench's networks and 81 % over NAS-Bench-Macro's, parameters and
    MACs 73 % and 70 %.
    """

    params: float
    """Σ √parameters of the stem and of each stage."""
    activations: float
    """Σ √activations likewise."""


def cost(arch: Arch) -> Cost:
    """Parameters, MACs and activations of `arch`. Stages seen before are not worked out again."""
    return _total(_parts(arch))


def part_costs(arch: Arch) -> tuple[Cost, ...]:
    """The costs of the stem, of each stage and of the head, which make up the whole."""
    return tuple(_total([part]) for part in _parts(arch))


def cost_and_capacity(arch: Arch) -> tuple[Cost, Capacity]:
    """Both, in little more time than the cost takes."""
    parts = _parts(arch)
    params, _, activations, *_ = zip(*parts[:-1], strict=True)
    capacity = Capacity(
        params=sum(map(math.sqrt, params)), activations=sum(map(math.sqrt, activations))
    )
    return _total(parts), capacity


def block_cost(block: Block) -> Cost:
    """The cost of one block."""
    convs = _convs(block)
    return Cost(
        params=sum(conv.params for conv in convs),
        macs=sum(conv.macs for conv in convs),
        activations=sum(conv.written for conv in convs),
        peak_activations=_peak(block, convs),
    )


@dataclass(frozen=True, slots=True)
class _Conv:
    """A conv over a square map, followed by batch norm unless it has a bias."""

    inputs: int
    outputs: int
    size: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False

    @property
    def params(self) -> int:
        return self._weights + self.outputs * (1 if self.bias else 2)

    @property
    def macs(self) -> int:
        return self._weights * self.out_size**2

    @property
    def read(self) -> int:
        return self.inputs * self.size**2

    @property
    def written(self) -> int:
        return self.outputs * self.out_size**2

    @property
    def out_size(self) -> int:
        return -(-self.size // self.stride)

    @property
    def _weights(self) -> int:
        return self.kernel**2 * (self.inputs // self.groups) * self.outputs


def _convs(block: Block) -> tuple[_Conv, ...]:
    """The block's convs in order of execution: SE's two work on a 1×1 map, a projection is last."""
    before, inner, after = block.in_channels, block.inner_channels, block.channels
    kernel, stride, size, out = block.kernel, block.stride, block.size, block.out_size
    squeeze: tuple[_Conv, ...] = ()
    if block.se_channels:
        seen = after if block.op == "bottleneck" else inner
        squeeze = (
            _Conv(seen, block.se_channels, 1, bias=True),
            _Conv(block.se_channels, seen, 1, bias=True),
        )
    match block.op:
        case "mbconv":
            depthwise = _Conv(inner, inner, size, kernel, stride, inner)
            return _Conv(before, inner, size), depthwise, *squeeze, _Conv(inner, after, out)
        case "dsconv" | "sepconv":
            depthwise = _Conv(before, before, size, kernel, stride, before)
            return depthwise, *squeeze, _Conv(before, after, out)
        case "fused":
            expansion = _Conv(before, inner, size, kernel, stride, block.groups)
            return expansion, *squeeze, _Conv(inner, after, out)
        case "conv":
            return _Conv(before, after, size, kernel, stride, block.groups), *squeeze
        case "bottleneck":
            middle = _Conv(inner, inner, size, kernel, stride, block.groups)
            path = (_Conv(before, inner, size), middle, _Conv(inner, after, out), *squeeze)
            return (*path, _Conv(before, after, size, 1, stride)) if _projects(block) else path
        case "identity":
            return (_Conv(before, after, size, 1, stride),) if block.reshapes else ()


def _projects(block: Block) -> bool:
    """Whether a conv brings the block's input to the shape of what it is added to."""
    return block.op == "bottleneck" and block.skip and block.reshapes


def _peak(block: Block, convs: tuple[_Conv, ...]) -> int:
    """Most elements alive while the block runs; a skip keeps the block's input alive."""
    taken = block.in_channels * block.size**2
    held = taken if block.skip else 0
    projection = len(convs) - 1 if _projects(block) else None
    peak, current = taken, taken
    for index, conv in enumerate(convs):
        if conv.bias:  # SE: the map waits while its means are squeezed
            peak = max(peak, held + current + conv.read + conv.written)
        elif index == projection:
            peak = max(peak, current + conv.read + conv.written)
        else:
            peak = max(peak, (held if index else 0) + conv.read + conv.written)
            current = conv.written
    return peak


_Sums = tuple[int, int, int, int, int]
"""Parameters, MACs, activations, peak, and the side of the map that comes out."""


def _parts(arch: Arch) -> list[_Sums]:
    """Of the stem, of each stage and of the head."""
    channels = arch.stem.channels
    parts = [_stem(arch.stem, arch.in_channels, arch.resolution)]
    for stage in arch.stages:
        parts.append(_stage(stage, channels, parts[-1][4], arch.activation, arch.se))
        channels = stage.channels
    parts.append(_head(arch.head, channels, parts[-1][4], arch.num_classes))
    return parts


def _total(parts: list[_Sums]) -> Cost:
    params, macs, activations, peaks, _ = zip(*parts, strict=True)
    return Cost(
        params=sum(params),
        macs=sum(macs),
        activations=sum(activations),
        peak_activations=max(peaks),
    )


@functools.lru_cache(maxsize=1024)
def _stem(stem: Stem, in_channels: int, resolution: int) -> _Sums:
    conv = _Conv(in_channels, stem.channels, resolution, stem.kernel, stem.stride)
    size, peak = conv.out_size, conv.read + conv.written
    if stem.pool:
        size = -(-size // 2)
        peak = max(peak, conv.written + stem.channels * size**2)
    return conv.params, conv.macs, conv.written, peak, size


@functools.lru_cache(maxsize=2**17)
def _stage(
    stage: Stage, channels: int, size: int, activation: Activation, se: SqueezeExcite
) -> _Sums:
    """The first block and, times the rest, the second: blocks after the first are equal."""
    laid = distinct_blocks(stage, channels, size, activation, se)
    costs = [block_cost(block) for block in laid]
    counts = (1, stage.repeats - 1)

    def total(values: Iterable[int]) -> int:
        return sum(value * count for value, count in zip(values, counts, strict=False))

    return (
        total(each.params for each in costs),
        total(each.macs for each in costs),
        total(each.activations for each in costs),
        max(each.peak_activations for each in costs),
        laid[0].out_size,
    )


@functools.lru_cache(maxsize=2**17)
def _head(head: Head, channels: int, size: int, num_classes: int) -> _Sums:
    features = channels if head.kind == "pool" else head.channels
    params = features * num_classes + num_classes
    macs = features * num_classes
    peak = max(channels * size**2 + channels, features + num_classes)
    if head.kind == "pool":
        return params, macs, 0, peak, 1
    pooled = head.kind == "pooled_conv"
    conv = _Conv(channels, features, 1 if pooled else size, bias=pooled)
    peak = max(peak, conv.read + conv.written, conv.written + features)
    return params + conv.params, macs + conv.macs, conv.written, peak, 1
