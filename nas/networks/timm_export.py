"""A network as timm's architecture definition: block strings and the arguments that rebuild it."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from keyword import iskeyword

from nas.networks.naming import is_resnet
from search_spaces.arch import Arch, SqueezeExcite, Stage, expands
from search_spaces.blocks import Block, blocks, blocks_by_stage
from search_spaces.compact import spell
from search_spaces.errors import UserError
from search_spaces.rounding import round_channels

_MOST_STRIDE = 32
"""timm turns strides beyond it into dilation."""
_SOURCE = '''"""{name}, {resolution} px, built with timm; its saved weights fit as they are."""

from functools import partial

{imports}
from torch.nn import BatchNorm2d
{arch_def}

def {function}():
    return {model}(
{arguments}
    )
'''
_EFFICIENTNET_IMPORTS = """from timm.layers import get_act_layer
from timm.models import {model}
from timm.models._efficientnet_blocks import SqueezeExcite
from timm.models._efficientnet_builder import decode_arch_def, round_channels"""
_RESNET_IMPORTS = "from timm.models.resnet import Bottleneck, ResNet"
_SE_RESNET_IMPORTS = f"from timm.layers import SEModule\n{_RESNET_IMPORTS}"


@dataclass(frozen=True, slots=True)
class TimmDefinition:
    """What rebuilds a network with timm, its weights under the same names."""

    model: str
    """timm's class: `EfficientNet`, `MobileNetV3` or `ResNet`."""
    arch_def: tuple[tuple[str, ...], ...]
    """Block strings of each stage, for `decode_arch_def`; none for a ResNet."""
    arguments: Mapping[str, str]
    """The class's arguments and their values as Python expressions."""


def timm_definition(arch: Arch) -> TimmDefinition:
    """What rebuilds `arch` with timm.

    Raises UserError for what timm cannot express, naming the field and its stage.
    """
    norm = f"partial(BatchNorm2d, eps={arch.batch_norm.eps}, momentum={arch.batch_norm.momentum})"
    shared = {
        "num_classes": str(arch.num_classes),
        "in_chans": str(arch.in_channels),
        "norm_layer": norm,
        "drop_rate": str(arch.dropout),
    }
    if is_resnet(arch):
        return TimmDefinition("ResNet", (), shared | _resnet(arch))
    _check_strides(arch)
    model = "MobileNetV3" if arch.head.kind == "pooled_conv" else "EfficientNet"
    return TimmDefinition(model, _arch_def(arch), shared | _efficientnet(arch, model))


def timm_source(arch: Arch) -> str:
    """A Python module whose one function, named after `arch`, builds it with timm."""
    definition = timm_definition(arch)
    resnet = definition.model == "ResNet"
    imports = _EFFICIENTNET_IMPORTS.format(model=definition.model)
    if resnet:
        imports = _SE_RESNET_IMPORTS if arch.stages[0].se else _RESNET_IMPORTS
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in arch.name).lower()
    stages = "".join(f"    [{', '.join(map(repr, stage))}],\n" for stage in definition.arch_def)
    first = "Bottleneck" if resnet else "decode_arch_def(ARCH_DEF)"
    return _SOURCE.format(
        name=name,
        resolution=arch.resolution,
        imports=imports,
        arch_def="" if resnet else f"\nARCH_DEF = [\n{stages}]\n",
        function=name if name.isidentifier() and not iskeyword(name) else f"network_{name}",
        model=definition.model,
        arguments="\n".join(
            f"        {argument},"
            for argument in (first, *(f"{k}={v}" for k, v in definition.arguments.items()))
        ),
    )


def _check_strides(arch: Arch) -> None:
    if arch.stem.stride != 2 or arch.stem.pool:
        raise _refused("stem", "a stride other than 2, or a pool")
    if arch.head.kind == "pooled_conv" and arch.stem.kernel != 3:
        raise _refused("stem.kernel", f"{arch.stem.kernel} with a pooled_conv head")
    stride = 2
    for index, stage in enumerate(arch.stages):
        stride *= stage.stride
        if stage.continues and stage.stride != 1:
            raise _refused(f"stages[{index}].stride", "2 in a stage that continues another")
        if stride > _MOST_STRIDE:
            raise _refused(f"stages[{index}].stride", f"{stride} altogether, beyond {_MOST_STRIDE}")


def _efficientnet(arch: Arch, model: str) -> dict[str, str]:
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
        skip=stage.skip and stage.op != "sepconv",
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
    for block in laid[:2]:
        if block.op in ("bottleneck", "identity"):
            raise _refused(f"{where}.op", f"{block.op} beside other blocks")
        if block.op == "sepconv" and block.skip:
            raise _refused(f"{where}.skip", "true for a sepconv")
        if block.op == "conv" and stage.se:
            raise _refused(f"{where}.se", "squeeze-and-excitation of a conv")
        inner = block.inner_channels
        if expands(stage) and round_channels(block.in_channels * stage.expand) != inner:
            raise _refused(f"{where}.expand", f"{inner} inner channels, which it rounds")
        if stage.se and _timm_squeezed(stage, inner, arch) != block.se_channels:
            raise _refused(f"{where}.se", f"{block.se_channels} squeezed channels, which it rounds")


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
    """timm divides what a `cn` reads by it, and what the conv of an `er` writes."""
    return (block.in_channels if block.op == "conv" else block.inner_channels) // block.groups


def _resnet(arch: Arch) -> dict[str, str]:
    """Arguments of timm's ResNet: one ratio and number of groups, and strides, for all stages."""
    stem, stages = arch.stem, arch.stages
    if (stem.channels, stem.kernel, stem.stride, stem.pool) != (64, 7, 2, True):
        raise _refused("stem", "a ResNet's other than 64 channels, kernel 7, stride 2, pool")
    if arch.padding != "torch":
        raise _refused("padding", f"{arch.padding} in a ResNet")
    if len(stages) != 4:
        raise _refused("stages", f"{len(stages)} of a ResNet, other than four")
    for index, stage in enumerate(stages):
        where = f"stages[{index}]"
        expected = {
            "stride": 1 if index == 0 else 2,
            "kernel": 3,
            "se": stages[0].se,
            "skip": True,
            "activation": None,
            "continues": False,
            "groups": stages[0].groups,
            "expand": stages[0].expand,
        }
        for name, value in expected.items():
            if getattr(stage, name) != value:
                raise _refused(f"{where}.{name}", f"{getattr(stage, name)} in a ResNet")
        if stage.channels % 4:
            raise _refused(f"{where}.channels", f"{stage.channels} in a ResNet, no multiple of 4")
    count = len(blocks(arch))
    excite = {"block_args": f"dict(attn_layer={_se_module(arch)})"} if stages[0].se else {}
    return {
        "layers": repr(tuple(stage.repeats for stage in stages)),
        "channels": repr(tuple(stage.channels // 4 for stage in stages)),
        "cardinality": str(stages[0].groups),
        "base_width": _number(_base_width(arch)),
        "act_layer": repr(arch.activation),
        # timm's grows to its end with the last block, ours would with one more.
        "drop_path_rate": str(arch.drop_path * (count - 1) / count),
        **excite,
    }


def _se_module(arch: Arch) -> str:
    """timm's squeeze-and-excitation of ResNets: its ratio is of the channels the squeeze sees."""
    ratio, se = arch.stages[0].se, arch.se
    for index, laid in enumerate(blocks_by_stage(arch)):
        for block in laid[:2]:
            # timm rounds to the nearest multiple, be it below 90 % of the exact value.
            squeezed = int(block.channels * ratio + se.divisor / 2) // se.divisor * se.divisor
            if max(se.divisor, squeezed) != block.se_channels:
                what = f"{block.se_channels} squeezed channels, which it rounds"
                raise _refused(f"stages[{index}].se", what)
    given = {
        "rd_ratio": repr(ratio),
        "rd_divisor": str(se.divisor),
        "act_layer": repr(se.activation or arch.activation),
        "gate_layer": repr(se.gate),
    }
    return f"partial(SEModule, {', '.join(f'{key}={value}' for key, value in given.items())})"


def _base_width(arch: Arch) -> float:
    """Such that timm's inner channels, planes · base_width / 64 · cardinality, are ours."""
    first = arch.stages[0]
    base = first.expand * 4 * 64 / first.groups
    for index, laid in enumerate(blocks_by_stage(arch)):
        inner = laid[0].inner_channels
        if int(laid[0].channels // 4 * (base / 64)) * first.groups != inner:
            raise _refused(f"stages[{index}].expand", f"{inner} inner channels, which it rounds")
    return base


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _refused(where: str, what: str) -> UserError:
    return UserError(f"{where}: timm cannot express {what}")
