"""timm's classes for networks of one kind of block."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from nas.networks.timm_classes.base import TimmDefinition
from nas.networks.timm_classes.convnext import convnext
from nas.networks.timm_classes.resnet import resnet
from search_spaces.arch import Arch

FAMILIES: Mapping[str, Callable[[Arch], TimmDefinition]] = MappingProxyType(
    {"bottleneck": resnet, "convnext": convnext}
)
"""What defines a network with the class of its kind of block, by that kind's name."""
