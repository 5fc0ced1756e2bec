"""The search for a network in a space: which options make it."""

import functools
import itertools
import math
from collections.abc import Sequence

from search_spaces.activations import Activation
from search_spaces.arch import Arch
from search_spaces.blocks import blocks
from search_spaces.choices import Choice, Scalar, fields_together, most_layers
from search_spaces.errors import UserError
from search_spaces.kinds.base import Block
from search_spaces.stage import SqueezeExcite, Stage
from search_spaces.stage_blocks import stage_blocks

_MOST_BLOCKS = 1_000_000
"""The most blocks that are laid out to find which options of a stage make a network's blocks"""

Canonical = tuple[tuple[object, ...], ...]
"""Blocks in their canonical form, without those that do nothing"""


def find(
    arch: Arch, network: Arch, stages: Sequence[tuple[Stage, tuple[Choice, ...]]]
) -> dict[str, Scalar]:
    """Options of the stages' choices that make `arch`, in a network otherwise like `network`.

    Blocks are compared, not stages: it does not matter how `arch` groups its blocks. Raises
    UserError where no options make it.
    """
    wanted = [block for block in blocks(arch) if not block.is_nothing()]
    canonical = tuple(block.canonical() for block in wanted)
    # For each stage, the numbers of blocks that the stages up to it can make; each with the number
    # that the stages before it make, and the options of the stage.
    reached: list[dict[int, tuple[int, tuple[Scalar, ...]]]] = [{0: (0, ())}]
    for index, (stage, choices) in enumerate(stages):
        ways = math.prod(len(choice.options) for choice in choices)
        if ways * most_layers(stage, choices) > _MOST_BLOCKS:
            raise UserError(f"stage {index} can be made in {ways} ways, too many to look through")
        after: dict[int, tuple[int, tuple[Scalar, ...]]] = {}
        for start in reached[-1]:
            channels = wanted[start - 1].channels if start else network.stem.channels
            makes = _makes(stage, choices, channels, network.activation, network.se)
            for length in {len(made) for made in makes}:
                options = makes.get(canonical[start : start + length])
                if options is not None and start + length <= len(canonical):
                    after.setdefault(start + length, (start, options))
        if not after:
            raise UserError(_unlike(wanted, max(reached[-1]), index))
        reached.append(after)
    if len(canonical) not in reached[-1]:
        raise UserError(_unlike(wanted, max(reached[-1]), None))
    params: dict[str, Scalar] = {}
    end = len(canonical)
    for (_, choices), ends in zip(reversed(stages), reversed(reached[1:]), strict=True):
        end, options = ends[end]
        params.update(zip((choice.name for choice in choices), options, strict=True))
    return params


@functools.lru_cache(maxsize=256)
def _makes(
    stage: Stage,
    choices: tuple[Choice, ...],
    channels: int,
    activation: Activation,
    se: SqueezeExcite,
) -> dict[Canonical, tuple[Scalar, ...]]:
    """The blocks that a stage with `channels` input channels can have, and the first options that
    give them."""
    found: dict[Canonical, tuple[Scalar, ...]] = {}
    for picked in itertools.product(
        *(zip(choice.options, choice.effects, strict=True) for choice in choices)
    ):
        made = stage.replace(**fields_together(effect for _, effect in picked))
        own = stage_blocks(made, channels, 1, made.activation or activation, se)
        canonical = tuple(block.canonical() for block in own if not block.is_nothing())
        found.setdefault(canonical, tuple(option for option, _ in picked))
    return found


def _unlike(wanted: Sequence[Block], start: int, stage: int | None) -> str:
    if start == len(wanted):
        return f"it ends after {start} blocks, before stage {stage} of the space"
    block = wanted[start]
    spelt = (
        f"block {start} ({block.kind.name} of kernel {block.kernel} and stride {block.stride}, "
        f"{block.in_channels} to {block.channels} channels, {block.inner_channels} inside, "
        f"{block.se_channels} squeezed)"
    )
    if stage is None:
        return f"{spelt} is more than its stages hold"
    return f"no options of stage {stage} make {spelt} and those after it"
