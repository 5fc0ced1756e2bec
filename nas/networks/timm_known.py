"""Networks that timm has an architecture of its own for, and what is to be said beside its name."""

import ast
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nas.networks.naming import timm_family
from nas.networks.timm_export import timm_definition, timm_function
from search_spaces.arch import Arch
from search_spaces.limits import MOST_PIXELS
from search_spaces.scaling import scale
from search_spaces.stage import BatchNorm
from search_spaces.zoo import TIMM_NAMES, ZOO

_SCALED = {
    **{"b1": (1.1, 1.0), "b2": (1.2, 1.1), "b3": (1.4, 1.2), "b4": (1.8, 1.4)},
    **{"b5": (2.2, 1.6), "b6": (2.6, 1.8), "b7": (3.1, 2.0), "b8": (3.6, 2.2)},
}
"""Depth and width of the EfficientNets after B0."""
_FAMILIES = {"bottleneck": "resnet50", "convnext": "convnext_tiny"}
"""An architecture of timm's whose arguments make any network of one kind of block."""


@dataclass(frozen=True, slots=True)
class TimmArchitecture:
    """What `create_model` is asked for."""

    name: str
    arguments: Mapping[str, Any]
    """Beside the name: plain values, as JSON has them."""
    known: bool
    """Whether timm has it; or else the module of `timm_source` is to be imported first."""


def timm_architecture(arch: Arch) -> TimmArchitecture:
    """What makes `arch` by `create_model`.

    Raises UserError for a network that timm cannot express.
    """
    definition = timm_definition(arch)
    literals = {name: _literal(text) for name, text in definition.arguments.items()}
    plain = {name: value for name, value in literals.items() if value is not None}
    rates = {name: plain.get(name, 0.0) for name in ("drop_rate", "drop_path_rate")}
    name = _known().get(_likeness(arch))
    if name is not None:
        return TimmArchitecture(name, rates, known=True)
    family = timm_family(arch)
    ordinary = not definition.batch_norm or arch.batch_norm == BatchNorm()
    if family is not None and ordinary and "block_args" not in definition.arguments:
        arguments = {k: v for k, v in plain.items() if k not in ("num_classes", "in_chans")}
        return TimmArchitecture(_FAMILIES[family.name], {**arguments, **rates}, known=True)
    return TimmArchitecture(timm_function(arch), {}, known=False)


@functools.cache
def _known() -> Mapping[str, str]:
    """timm's name of each network that it knows, by `_likeness`."""
    networks = {TIMM_NAMES.get(name, name): arch for name, arch in ZOO.items()}
    for prefix in ("efficientnet", "tf_efficientnet"):
        for member, (depth, width) in _SCALED.items():
            b0 = ZOO[f"{prefix}_b0"]
            networks[f"{prefix}_{member}"] = scale(b0, depth, width, b0.resolution)
    return {_likeness(arch): name for name, arch in networks.items()}


def _likeness(arch: Arch) -> str:
    """What networks share that differ in their images, classes and rates of dropping alone."""
    # No map vanishes at the largest resolution that did not at a smaller one.
    images = {"resolution": MOST_PIXELS, "in_channels": 3, "num_classes": 1000}
    return arch.replace(**images, dropout=0.0, drop_path=0.0).key()


def _literal(text: str) -> Any:
    """The plain value that a Python expression is; None for calls and names."""
    try:
        return ast.literal_eval(text)
    except ValueError:
        return None
