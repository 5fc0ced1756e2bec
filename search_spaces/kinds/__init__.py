"""The kinds of block that a stage can be made of."""

from collections.abc import Mapping
from types import MappingProxyType

from search_spaces.kinds.base import Kind
from search_spaces.kinds.bottleneck import BOTTLENECK
from search_spaces.kinds.conv import CONV
from search_spaces.kinds.convnext import CONVNEXT
from search_spaces.kinds.fused import FUSED
from search_spaces.kinds.identity import IDENTITY
from search_spaces.kinds.mbconv import MBCONV
from search_spaces.kinds.sepconv import SEPCONV

_ALL = (
    MBCONV,
    SEPCONV,
    FUSED,
    BOTTLENECK,
    CONV,
    CONVNEXT,
    IDENTITY,
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})
"""Every kind by the name it has in YAML."""
