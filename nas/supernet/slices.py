"""The rule: which weights of a supernet are a candidate's.

A block's weights lie in a slot. Blocks that share one have slices of its largest block: the first
channels, also of squeeze-and-excitation, and the centre of the kernel, as `common_part` says. Two
rules of sharing, of the blocks in one place, which is the stage and the number in it:

- `own`: each option has a slot of its own. Options that differ in numbers of channels or of blocks
  alone share one: a stage of fewer blocks has the first ones.
- `sliced`: all blocks of a kind share one, whatever their kernel, expansion and
  squeeze-and-excitation.

Unlike operations never share. Nor do grouped convs of other channels, whose groups would be other
channels', and blocks that have a layer only because their input and output differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from nas.networks.naming import numbered_blocks
from search_spaces.arch import Arch
from search_spaces.blocks import blocks_by_stage
from search_spaces.compact import spell
from search_spaces.kinds.base import Block
from search_spaces.kinds.layers import PRODUCTS
from search_spaces.stage import Stage

Sharing = Literal["own", "sliced"]
SHARINGS: tuple[Sharing, ...] = ("own", "sliced")


@dataclass(frozen=True, slots=True)
class Placed:
    """A block of a candidate that has weights, and where these lie."""

    module: str
    """The name of its module in the network: `blocks.1.0`."""
    slot: str
    """The slot of its weights: `1.0/ir_r1_k3_s2_e6_c1`."""
    block: Block


def placed(arch: Arch, sharing: Sharing) -> Iterator[Placed]:
    """Give every block of a candidate that has weights, in order."""
    names = (place for place, _ in numbered_blocks(arch))
    for number, (stage, laid) in enumerate(zip(arch.stages, blocks_by_stage(arch), strict=True)):
        for index, block in enumerate(laid):
            module = f"blocks.{next(names)}"
            if block.layers():
                yield Placed(module, f"{number}.{index}/{_shared_by(stage, block, sharing)}", block)


def larger(one: Block, other: Block) -> Block:
    """Give the block that holds both of two that share a slot."""
    sizes = ("in_channels", "inner_channels", "channels", "kernel", "se_channels", "size")
    largest = {name: max(getattr(one, name), getattr(other, name)) for name in sizes}
    return replace(one, skip=one.skip or other.skip, **largest)


def _shared_by(stage: Stage, block: Block, sharing: Sharing) -> str:
    """Name what blocks of one place that share weights have in common."""
    named = f"{block.kind.code}_s{block.stride}"
    if sharing == "own":
        named = spell(stage.replace(repeats=1, channels=1, continues=False))
    products = [layer for layer in block.layers() if isinstance(layer, PRODUCTS)]
    beside = any(product.path in ("entry", "shortcut") for product in products)
    if beside:
        named += "_reshaping"
    alone = block.stride == 1 and (beside or block.kind.may_vanish)
    if block.groups > 1 or alone:
        named += f"_{block.in_channels}_{block.inner_channels}_{block.channels}_g{block.groups}"
    return named
