"""Networks as timm's EfficientNet or MobileNetV3: block strings and the arguments around them."""

import dataclasses
from collections.abc import Iterator

from nas.networks.timm_classes.base import TimmDefinition, refused
from search_spaces.arch import Arch
from search_spaces.blocks import blocks_by_stage
from search_spaces.compact import spell
from search_spaces.kinds.base import Block
from search_spaces.rounding import round_channels
from search_spaces.stage import SqueezeExcite, Stage, expands

_MOST_STRIDE = 32
"""timm turns strides beyond it into dilation."""
_CREATE = {"EfficientNet": "_create_effnet", "MobileNetV3": "_create_mnv3"}
_IMPORTS = """from timm.layers import get_act_layer
from timm.models._efficientnet_blocks import SqueezeExcite
from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.{module} import {create}"""


def efficientnet(arch: Arch) -> TimmDefinition:
    """`arch` of any blocks that timm's block strings spell; raises UserError for others."""
    _check_ends(arch)
    _check_strides(arch)
    model = "MobileNetV3" if arch.head.kind == "pooled_conv" else "EfficientNet"
    imports = _IMPORTS.format(module=model.lower(), create=_CREATE[model])
    arguments = {"block_args": "decode_arch_def(ARCH_DEF)", **_arguments(arch, model)}
    return TimmDefinition(model, _CREATE[model], _arch_def(arch), arguments, imports)


def _check_ends(arch: Arch) -> None:
    if arch.head.kind == "pooled_norm":
        raise refused("head.kind", "pooled_norm before such blocks")
    if arch.stem.kind != "conv":
        raise refused("stem.kind", f"{arch.stem.kind} before such blocks")
    if arch.stem.stride != 2 or arch.stem.pool:
        raise refused("stem", "a stride other than 2, or a pool")
    if arch.head.kind == "pooled_conv" and arch.stem.kernel != 3:
        raise refused("stem.kernel", f"{arch.stem.kernel} with a pooled_conv head")


def _check_strides(arch: Arch) -> None:
    stride = 2
    for index, stage in enumerate(arch.stages):
        stride *= stage.stride
        if stage.continues and stage.stride != 1:
            raise refused(f"stages[{index}].stride", "2 in a stage that continues another")
        if stride > _MOST_STRIDE:
            raise refused(f"stages[{index}].stride", f"{stride} altogether, beyond {_MOST_STRIDE}")


def _arguments(arch: Arch, model: str) -> dict[str, str]:
    arguments = {
        "num_features": "0" if arch.head.kind == "pool" else str(arch.head.channels),
        "stem_size": str(arch.stem.channels),
        "act_layer": f"get_act_layer({arch.activation!r})",
        "pad_type": repr("same" if arch.padding == "same" else ""),
        "round_chs_fn": "int",
        "drop_path_rate": str(arch.drop_path),
    }
    if model == "EfficientNet":
        arguments["stem_kernel_size"] = str(arch.stem.kernel)
    else:
        arguments["se_from_exp"] = str(_se_from_inner(arch))
    if any(stage.se for stage in arch.stages):
        arguments["se_layer"] = _se_layer(arch.se)
    return arguments


def _se_layer(se: SqueezeExcite) -> str:
    given = {
        "gate_layer": repr(se.gate),
        "force_act_layer": f"get_act_layer({se.activation!r})" if se.activation else None,
        "rd_round_fn": f"partial(round_channels, divisor={se.divisor})" if se.divisor > 1 else None,
    }
    keywords = ", ".join(f"{key}={value}" for key, value in given.items() if value is not None)
    return f"partial(SqueezeExcite, {keywords})"


def _arch_def(arch: Arch) -> tuple[tuple[str, ...], ...]:
    stages: list[list[str]] = []
    for index, (stage, laid) in enumerate(zip(arch.stages, blocks_by_stage(arch), strict=True)):
        if not stage.continues:
            stages.append([])
        stages[-1].extend(_block_strings(stage, laid, arch, f"stages[{index}]"))
    return tuple(map(tuple, stages))


def _block_strings(stage: Stage, laid: tuple[Block, ...], arch: Arch, where: str) -> Iterator[str]:
    """One string; two where the blocks after the first need a group size of their own."""
    _check_blocks(stage, laid, arch, where)
    if stage.groups > 1 and len(laid) > 1 and _group_size(laid[0]) != _group_size(laid[1]):
        yield _block_string(stage, laid[0], 1, arch)
        yield _block_string(stage, laid[1], len(laid) - 1, arch)
    else:
        yield _block_string(stage, laid[0], len(laid), arch)


def _block_string(stage: Stage, block: Block, repeats: int, arch: Arch) -> str:
    ratio = _se_ratio(stage, arch)
    plain = dataclasses.replace(
        stage,
        repeats=repeats,
        stride=block.stride,
        se=min(ratio, 1),
        skip=stage.skip and "skip" in (block.kind.timm or ()),
        groups=1,
        continues=False,
        # timm's `ir` and `er` always expand, and round what they expand to by themselves.
        always_expand=stage.always_expand and stage.expand == 1,
        inner_divisor=1,
    )
    text = spell(plain) if ratio <= 1 else f"{spell(dataclasses.replace(plain, se=0))}_se{ratio}"
    return text if stage.groups == 1 else f"{text}_gs{_group_size(block)}"


def _check_blocks(stage: Stage, laid: tuple[Block, ...], arch: Arch, where: str) -> None:
    """Refuses what timm has no block for, and what its own rounding would change."""
    if stage.activation == "gelu":
        raise refused(f"{where}.activation", "gelu as that of single blocks")
    for block in laid[:2]:
        spelt = block.kind.timm
        if spelt is None:
            raise refused(f"{where}.op", f"{block.kind.name} beside other blocks")
        if block.skip and "skip" not in spelt:
            raise refused(f"{where}.skip", f"true for a {block.kind.name}")
        if stage.se and "se" not in spelt:
            raise refused(f"{where}.se", f"squeeze-and-excitation of a {block.kind.name}")
        inner = block.inner_channels
        if expands(stage) and round_channels(block.in_channels * stage.expand) != inner:
            raise refused(f"{where}.expand", f"{inner} inner channels, which it rounds")
        if stage.se and _timm_squeezed(stage, inner, arch) != block.se_channels:
            raise refused(f"{where}.se", f"{block.se_channels} squeezed channels, which it rounds")


def _se_from_inner(arch: Arch) -> bool:
    """Whether timm's class takes ratios of inner channels: of its two only MobileNetV3 can."""
    return arch.head.kind == "pooled_conv" and arch.se.reduce == "inner"


def _se_ratio(stage: Stage, arch: Arch) -> float:
    """The stage's ratio as timm's class is to read it."""
    to_input = arch.se.reduce == "inner" and not _se_from_inner(arch) and expands(stage)
    return stage.se * stage.expand if to_input else stage.se


def _timm_squeezed(stage: Stage, inner: int, arch: Arch) -> int:
    of_input = not _se_from_inner(arch) and expands(stage)
    squeezed = inner * (_se_ratio(stage, arch) / (stage.expand if of_input else 1))
    divisor = arch.se.divisor
    return round_channels(squeezed, 1, divisor) if divisor > 1 else round(squeezed)


def _group_size(block: Block) -> int:
    """What timm divides channels by to get the number of groups."""
    whole = block.in_channels if block.kind.timm_groups_of == "input" else block.inner_channels
    return whole // block.groups
