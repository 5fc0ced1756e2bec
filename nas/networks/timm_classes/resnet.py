"""Networks of bottlenecks as timm's ResNet."""

from nas.networks.timm_classes.base import TimmDefinition, number, refused
from search_spaces.arch import Arch
from search_spaces.blocks import blocks, blocks_by_stage

_CREATE = "_create_resnet"
_IMPORTS = f"from timm.models.resnet import Bottleneck, {_CREATE}"


def resnet(arch: Arch) -> TimmDefinition:
    """`arch` as a ResNet; raises UserError for what only other networks of bottlenecks have."""
    excited = "from timm.layers import SEModule\n" if arch.stages[0].se else ""
    return TimmDefinition("ResNet", _CREATE, (), _arguments(arch), f"{excited}{_IMPORTS}")


def _arguments(arch: Arch) -> dict[str, str]:
    """Arguments of timm's ResNet: one ratio and number of groups, and strides, for all stages."""
    stem, stages = arch.stem, arch.stages
    if (stem.channels, stem.kernel, stem.stride, stem.pool) != (64, 7, 2, True):
        raise refused("stem", "a ResNet's other than 64 channels, kernel 7, stride 2, pool")
    if arch.padding != "torch":
        raise refused("padding", f"{arch.padding} in a ResNet")
    if len(stages) != 4:
        raise refused("stages", f"{len(stages)} of a ResNet, other than four")
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
                raise refused(f"{where}.{name}", f"{getattr(stage, name)} in a ResNet")
        if stage.channels % 4:
            raise refused(f"{where}.channels", f"{stage.channels} in a ResNet, no multiple of 4")
    count = len(blocks(arch))
    excite = {"block_args": f"dict(attn_layer={_se_module(arch)})"} if stages[0].se else {}
    return {
        "block": "Bottleneck",
        "layers": repr(tuple(stage.repeats for stage in stages)),
        "channels": repr(tuple(stage.channels // 4 for stage in stages)),
        "cardinality": str(stages[0].groups),
        "base_width": number(_base_width(arch)),
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
                raise refused(f"stages[{index}].se", what)
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
            raise refused(f"stages[{index}].expand", f"{inner} inner channels, which it rounds")
    return base
