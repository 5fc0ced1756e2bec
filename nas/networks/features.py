"""Maps at several sizes, as detection and segmentation read them: where in a network they are."""

from collections.abc import Iterator, Sequence
from typing import TypedDict

from nas.networks.naming import numbered_blocks
from search_spaces.arch import Arch


class Feature(TypedDict):
    """Where maps of one size are last seen in a network, under the keys of timm."""

    num_chs: int
    """Their channels."""
    reduction: int
    """How many pixels of the image's side are one of theirs."""
    module: str
    """The module that gives them, such as `blocks.4`."""


class FeatureInfo(tuple[Feature, ...]):
    """The features of a network from the largest maps to the smallest, with timm's methods."""

    __slots__ = ()

    def channels(self) -> list[int]:
        """The channels of each."""
        return [feature["num_chs"] for feature in self]

    def reduction(self) -> list[int]:
        """How many pixels of the image's side are one of each."""
        return [feature["reduction"] for feature in self]

    def module_name(self) -> list[str]:
        """The name of each one's module."""
        return [feature["module"] for feature in self]

    def chosen(self, indices: Sequence[int]) -> "FeatureInfo":
        """Those at `indices`, in that order; raises IndexError for one that is not there."""
        return FeatureInfo(self[index] for index in indices)


def feature_info(arch: Arch) -> FeatureInfo:
    """The last maps of each size that `arch` makes before its head, largest maps first."""
    last = {feature["reduction"]: feature for feature in _maps(arch)}
    return FeatureInfo(last.values())


def _maps(arch: Arch) -> Iterator[Feature]:
    """Every map that may be the last of its size, in order."""
    stem = arch.stem
    channels, reduction = stem.channels, stem.stride
    module = "norm1" if stem.kind == "patch" else "act1"
    yield Feature(num_chs=channels, reduction=reduction, module=module)
    if stem.pool:
        reduction *= 2
        yield Feature(num_chs=channels, reduction=reduction, module="maxpool")
    placed = list(numbered_blocks(arch))
    for (place, block), following in zip(placed, [*placed[1:], None], strict=True):
        reduction *= block.stride
        stage = place.partition(".")[0]
        ends = following is None or following[0].partition(".")[0] != stage
        module = f"blocks.{stage}" if ends else f"blocks.{place}"
        yield Feature(num_chs=block.channels, reduction=reduction, module=module)
