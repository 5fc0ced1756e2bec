"""What each of timm's classes says of itself, and how it refuses what it cannot build."""

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class TimmDefinition:
    """What rebuilds a network with timm, its weights under the same names."""

    model: str
    """timm's class: `EfficientNet`, `MobileNetV3`, `ResNet` or `ConvNeXt`."""
    create: str
    """timm's function that makes one, with features alone or with weights where that is asked."""
    arch_def: tuple[tuple[str, ...], ...]
    """Block strings of each stage, for `decode_arch_def`; none for other classes."""
    arguments: Mapping[str, str]
    """The class's arguments and their values as Python expressions."""
    imports: str
    """Lines that import what the arguments name."""
    batch_norm: bool = True
    """Whether the class is told of the network's batch norm."""


def refused(where: str, what: str) -> UserError:
    """The error of a network that timm has no words for."""
    return UserError(f"{where}: timm cannot express {what}")


def number(value: float) -> str:
    """A number as people write it: whole ones without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))
