"""What a network costs, by arithmetic alone: exact for whatever `build` makes, without torch."""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from search_spaces.activations import Activation
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem, head_layers, stem_layers, stem_side
from search_spaces.kinds.base import Block
from search_spaces.kinds.layers import PRODUCTS, Product
from search_spaces.stage import SqueezeExcite, Stage
from search_spaces.stage_blocks import distinct_blocks

FLOAT32_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one forward pass of one image."""

    params: int
    """Trainable parameters, those of norms included."""
    macs: int
    """Multiply–adds of conv and linear layers, biases not counted (what the paper calls FLOPs)."""
    activations: int
    """Elements written by convs, and by linear layers over every pixel of a map."""
    peak_activations: int
    """Most elements alive at once when layers run in order. Norms, activations, the scaling of
    channels and the addition of a skip count as done in place, as inference engines do them."""

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
    params = macs = activations = 0
    products: list[Product] = []
    for layer in block.layers():
        params += layer.params
        if isinstance(layer, PRODUCTS):
            macs += layer.macs
            activations += layer.written
            products.append(layer)
    return Cost(
        params=params,
        macs=macs,
        activations=activations,
        peak_activations=_peak(block, products),
    )


def _peak(block: Block, products: Iterable[Product]) -> int:
    """Most elements alive while the block runs; a skip keeps what is to be added alive."""
    taken = peak = current = block.in_channels * block.size**2
    begun = False
    for layer in products:
        alive = layer.read + layer.written
        beside = taken if block.skip else 0
        if layer.path == "branch":
            alive += beside if begun else 0
            current, begun = layer.written, True
        elif layer.path == "squeeze":  # the map waits while its means are squeezed
            alive += beside + current
        elif layer.path == "shortcut":
            alive += current
        else:
            taken = current = layer.written
        peak = max(peak, alive)
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
    conv, norm = stem_layers(stem, in_channels, resolution)
    size, peak = stem_side(stem, resolution), conv.read + conv.written
    if stem.pool:
        peak = max(peak, conv.written + stem.channels * size**2)
    return conv.params + norm.params, conv.macs, conv.written, peak, size


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
    layers = head_layers(head, channels, size, num_classes)
    products = [layer for layer in layers if isinstance(layer, PRODUCTS)]
    features = products[-1].read
    peak = max(channels * size**2 + channels, features + num_classes)
    for layer in products[:-1]:
        peak = max(peak, layer.read + layer.written, layer.written + features)
    return (
        sum(layer.params for layer in layers),
        sum(layer.macs for layer in products),
        sum(layer.written for layer in products[:-1]),
        peak,
        1,
    )
