"""A network as timm's architecture definition: block strings and the arguments that rebuild it."""

import dataclasses

from nas.networks.naming import timm_family, timm_names
from nas.networks.timm_classes import FAMILIES
from nas.networks.timm_classes.base import TimmDefinition, refused
from nas.networks.timm_classes.efficientnet import efficientnet
from search_spaces.arch import Arch

_SOURCE = '''"""{name}, {resolution} px, as a model of timm; its saved weights fit as they are.

Once this module is imported, timm.create_model({function!r}) builds the network.
"""

{imports}
from timm.models import generate_default_cfgs, register_model
{arch_def}
default_cfgs = generate_default_cfgs(
    {{
        {function!r}: {{
            "num_classes": {num_classes},
            "input_size": ({in_channels}, {resolution}, {resolution}),
            "first_conv": {first_conv!r},
            "classifier": {classifier!r},
        }}
    }}
)


@register_model
def {function}(pretrained=False, **kwargs):
    arguments = dict(
{arguments}
    )
    return {create}({function!r}, pretrained, **{{**arguments, **kwargs}})
'''
_BATCH_NORM = "from functools import partial\n\n{}\nfrom torch.nn import BatchNorm2d"

_PREFIX = "nas_"


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
    family = timm_family(arch)
    if family is not None and family.name not in FAMILIES:
        raise refused("stages[0].op", f"{family.name} by a definition")
    definition = efficientnet(arch) if family is None else FAMILIES[family.name](arch)
    if not definition.batch_norm:
        del shared["norm_layer"]
    return dataclasses.replace(definition, arguments={**definition.arguments, **shared})


def timm_source(arch: Arch) -> str:
    """A Python module that registers `arch` with timm under its `timm_function`."""
    definition = timm_definition(arch)
    stages = "".join(f"    [{', '.join(map(repr, stage))}],\n" for stage in definition.arch_def)
    imports = definition.imports
    arguments = (f"        {name}={value}," for name, value in definition.arguments.items())
    first_conv, classifier = timm_ends(arch)
    return _SOURCE.format(
        name=timm_function(arch).removeprefix(_PREFIX),
        resolution=arch.resolution,
        imports=_BATCH_NORM.format(imports) if definition.batch_norm else imports,
        arch_def=f"\nARCH_DEF = [\n{stages}]\n" if stages else "",
        function=timm_function(arch),
        num_classes=arch.num_classes,
        in_channels=arch.in_channels,
        first_conv=first_conv,
        classifier=classifier,
        create=definition.create,
        arguments="\n".join(arguments),
    )


def timm_function(arch: Arch) -> str:
    """The name under which `arch` is registered with timm: its own after `nas_`, which begins the
    name of no model of timm's."""
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in arch.name)
    return f"{_PREFIX}{name.lower()}"


def timm_ends(arch: Arch) -> tuple[str, str]:
    """timm's names of the first conv and of the classifier: `conv_stem` and `classifier`, or those
    of its class for such networks."""
    names = timm_names(arch, ("conv_stem.weight", "classifier.weight"))
    first, last = (name.removesuffix(".weight") for name in names.values())
    return first, last
