"""A network that begins as another one: a grown one as the smaller, a small one as a part.

Stages, and blocks in them, are matched by their place. Of two tensors of one name

- channels are the first ones that both have;
- kernels lie centre on centre;
- what is new in a channel that was there, inputs and the rim of a kernel, begins at zero, so that
  the channel gives what it gave;
- new channels begin as in any new network.

A block without a counterpart of its kind begins as a copy of the last one of its stage in the
source, and as the identity where it has a skip and a norm ends its branch: its last scale and bias
are zero, and training moves them first. So a network that has more blocks, channels or larger
kernels than its source, and batch norms alone, gives the source's logits for the same images. Layer
norm reads all channels, and is not the same over more of them.

What stays new: the classifier of other classes, a stem or head of another kind, convs over patches
of another side, and grouped convs of other channels, whose groups would be other channels'.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from nas.networks.blocks.base import Residual
from nas.networks.blocks.convnext import ConvNeXtBlock
from nas.networks.common_part import common_part
from nas.networks.model import Network
from nas.networks.naming import numbered_blocks
from search_spaces.blocks import blocks_by_stage
from search_spaces.kinds.base import Block

_STEM = ("conv_stem", "bn1", "norm1")
_HEAD = ("conv_head", "bn2", "norm2")


@dataclass(slots=True)
class Inherited:
    """What of a network's weights came from another one."""

    source: str
    """The name of the other network."""
    weights: int
    """Trainable weights of the network."""
    copied: int = 0
    """Those of them that came from the source, as they are."""
    identities: list[str] = field(default_factory=list)
    """The blocks that begin as the identity, by their names: `blocks.2.3`."""
    new: list[str] = field(default_factory=list)
    """The tensors that have nothing of the source."""

    def __str__(self) -> str:
        share = f"{self.copied:,} of {self.weights:,} weights ({self.copied / self.weights:.1%})"
        parts = [f"{share} from {self.source}"]
        if self.identities:
            count = len(self.identities)
            parts.append(f"{count} block{'s'[: count > 1]} begin{'s'[count > 1 :]} as the identity")
        if self.new:
            more = f" and {len(self.new) - 3} more" if len(self.new) > 3 else ""
            parts.append(f"new: {', '.join(self.new[:3])}{more}")
        return "; ".join(parts)


def inherit(model: Network, source: Network) -> Inherited:
    """Give `model` what it can have of the weights of `source`; nothing else of it changes.

    Running statistics come along. In a smaller network they are those of the larger one, and need
    training before they are right.
    """
    report = Inherited(source.arch.name, sum(weight.numel() for weight in model.parameters()))
    with torch.no_grad():
        for name, theirs in _ends(model, source):
            _copy(name, getattr(model, name), theirs, report)
        for name, block, ours, match in _matched(model, source):
            _copy(name, ours, match.module if match else None, report)
            added = match is None or match.added
            if added and block.skip and not block.reshapes and _begin_as_identity(ours):
                report.identities.append(name)
    return report


def _ends(model: Network, source: Network) -> Iterator[tuple[str, nn.Module | None]]:
    """The model's layers around its stages, and the source's layers that they begin as."""
    same_stem = model.arch.stem.kind == source.arch.stem.kind
    same_head = model.arch.head.kind == source.arch.head.kind
    same_classes = same_head and model.num_classes == source.num_classes
    alike = {**dict.fromkeys(_STEM, same_stem), **dict.fromkeys(_HEAD, same_head)}
    for name, same in {**alike, "classifier": same_classes}.items():
        if hasattr(model, name):
            yield name, getattr(source, name) if same else None


@dataclass(frozen=True, slots=True)
class _Match:
    """The block of the source that a block begins as."""

    module: nn.Module
    added: bool
    """Whether the source has no block in this place."""


def _matched(
    model: Network, source: Network
) -> Iterator[tuple[str, Block, nn.Module, _Match | None]]:
    """Every block of the model with its name and module, and what it begins as."""
    theirs = _stages(source)
    for index, stage in enumerate(_stages(model)):
        other = theirs[index] if index < len(theirs) else []
        for place, (name, block, module) in enumerate(stage):
            yield name, block, module, _match(block, place, other)


def _match(block: Block, place: int, stage: list[tuple[str, Block, nn.Module]]) -> _Match | None:
    if place < len(stage):
        _, theirs, module = stage[place]
        return _Match(module, added=False) if theirs.kind is block.kind else None
    alike = [
        module for _, theirs, module in stage if theirs.kind is block.kind and not theirs.reshapes
    ]
    return _Match(alike[-1], added=True) if alike else None


def _stages(network: Network) -> list[list[tuple[str, Block, nn.Module]]]:
    """The blocks of each stage with their names and modules."""
    names = (f"blocks.{place}" for place, _ in numbered_blocks(network.arch))
    described = network.named_blocks()
    placed = ((name, *block) for name, block in zip(names, described, strict=True))
    return [[next(placed) for _ in laid] for laid in blocks_by_stage(network.arch)]


def _copy(name: str, ours: nn.Module, theirs: nn.Module | None, report: Inherited) -> None:
    """Copy what tensors of the same name share, and count it."""
    found = {} if theirs is None else theirs.state_dict()
    convs = {} if theirs is None else dict(theirs.named_modules())
    trained = dict(ours.named_parameters())
    modules = dict(ours.named_modules())
    for tensor_name, tensor in ours.state_dict().items():
        other = found.get(tensor_name)
        parent = tensor_name.rpartition(".")[0]
        if other is None or not _comparable(modules[parent], convs.get(parent), tensor, other):
            report.new.append(f"{name}.{tensor_name}")
            continue
        copied = _overlay(tensor, other)
        report.copied += copied * (tensor_name in trained)


def _comparable(ours: nn.Module, theirs: nn.Module | None, tensor: Tensor, other: Tensor) -> bool:
    """Whether the first channels of the one are the first channels of the other."""
    if tensor.ndim != other.ndim:
        return False
    if not isinstance(ours, nn.Conv2d) or not isinstance(theirs, nn.Conv2d) or tensor.ndim != 4:
        return True
    if _over_patches(ours) or _over_patches(theirs):
        return ours.kernel_size == theirs.kernel_size
    depthwise = all(conv.groups == conv.in_channels == conv.out_channels for conv in (ours, theirs))
    same_groups = ours.groups == theirs.groups
    fixed = ours.groups > 1 and tensor.shape[:2] != other.shape[:2]
    return depthwise or (same_groups and not fixed)


def _over_patches(conv: nn.Conv2d) -> bool:
    """Whether its kernels touch: each place in one is a place in a patch of the stride's side."""
    return conv.kernel_size == conv.stride and conv.kernel_size != (1, 1)


def _overlay(tensor: Tensor, other: Tensor) -> int:
    """Put what both have of `other` into `tensor`; gives how many numbers that were."""
    if tensor.ndim == 0:
        tensor.copy_(other)
        return 1
    ours, theirs = common_part(tensor.shape, other.shape)
    if tensor.ndim > 1:
        tensor[ours[0]] = 0
    part = other[theirs]
    tensor[ours] = part.to(tensor.device, tensor.dtype)
    return part.numel()


def _begin_as_identity(block: nn.Module) -> bool:
    """Make the block pass its input on until it is trained; False where none of its weights can."""
    if isinstance(block, ConvNeXtBlock):
        block.gamma.zero_()
        return True
    scale = block.final_scale() if isinstance(block, Residual) else None
    if scale is None or not isinstance(block, Residual):
        return False
    scale.zero_()
    block.get_parameter(f"{block.last_norm}.bias").zero_()
    return True
