"""A network as timm's architecture definition: block strings and the arguments that rebuild it."""

import dataclasses
from keyword import iskeyword

from nas.networks.naming import timm_family
from nas.networks.timm_classes import FAMILIES
from nas.networks.timm_classes.base import TimmDefinition, refused
from nas.networks.timm_classes.efficientnet import efficientnet
from search_spaces.arch import Arch

_SOURCE = '''"""{name}, {resolution} px, built with timm; its saved weights fit as they are."""

{imports}
{arch_def}

def {function}():
    return {model}(
{arguments}
    )
'''
_BATCH_NORM = "from functools import partial\n\n{}\nfrom torch.nn import BatchNorm2d"


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
    return dataclasses.replace(definition, arguments={**shared, **definition.arguments})


def timm_source(arch: Arch) -> str:
    """A Python module whose one function, named after `arch`, builds it with timm."""
    definition = timm_definition(arch)
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in arch.name).lower()
    stages = "".join(f"    [{', '.join(map(repr, stage))}],\n" for stage in definition.arch_def)
    imports = definition.imports
    named = (f"{name}={value}" for name, value in definition.arguments.items())
    arguments = (definition.first, *named) if definition.first else tuple(named)
    return _SOURCE.format(
        name=name,
        resolution=arch.resolution,
        imports=_BATCH_NORM.format(imports) if definition.batch_norm else imports,
        arch_def=f"\nARCH_DEF = [\n{stages}]\n" if stages else "",
        function=name if name.isidentifier() and not iskeyword(name) else f"network_{name}",
        model=definition.model,
        arguments="\n".join(f"        {argument}," for argument in arguments),
    )
