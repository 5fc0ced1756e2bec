"""Networks of ConvNeXt's blocks as timm's ConvNeXt."""

from nas.networks.timm_classes.base import TimmDefinition, refused
from search_spaces.arch import Arch

_STRIDES = (1, 2, 2, 2)


def convnext(arch: Arch) -> TimmDefinition:
    """`arch` as a ConvNeXt; raises UserError for what only other networks of its blocks have."""
    stem, stages = arch.stem, arch.stages
    if (stem.kind, stem.stride) != ("patch", 4):
        raise refused("stem", "a ConvNeXt's other than patches of 4 pixels a side")
    if len(stages) != len(_STRIDES):
        raise refused("stages", f"{len(stages)} of a ConvNeXt, other than four")
    for index, (stage, stride) in enumerate(zip(stages, _STRIDES, strict=True)):
        expected = {"stride": stride, "expand": 4, "activation": None, "continues": False}
        for name, value in expected.items():
            if getattr(stage, name) != value:
                found = getattr(stage, name)
                raise refused(f"stages[{index}].{name}", f"{found} in a ConvNeXt")
    if stages[0].channels != stem.channels:
        raise refused("stages[0].channels", "other than the stem's in a ConvNeXt")
    arguments = {
        "depths": repr(tuple(stage.repeats for stage in stages)),
        "dims": repr(tuple(stage.channels for stage in stages)),
        "kernel_sizes": repr(tuple(stage.kernel for stage in stages)),
        "act_layer": repr(arch.activation),
        "drop_path_rate": str(arch.drop_path),
    }
    create = "_create_convnext"
    imports = f"from timm.models.convnext import {create}"
    return TimmDefinition("ConvNeXt", create, (), arguments, imports, batch_norm=False)
