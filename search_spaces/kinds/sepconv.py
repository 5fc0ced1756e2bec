"""Depthwise, then pointwise conv, each with an activation (MobileNetV1, arXiv 1704.04861)."""

from search_spaces.kinds.base import Kind
from search_spaces.kinds.mbconv import depthwise_separable

SEPCONV = Kind(
    name="sepconv",
    code="dsa",
    takes=frozenset({"kernel", "se", "skip", "activation"}),
    layers=depthwise_separable,
    code_skips=False,
    timm=frozenset({"kernel", "se", "activation"}),
)
