"""The weights of a supernet: one tensor for all that candidates share, by its name.

A candidate has no weights of its own: each of them is a view of one of these, so that what trains a
candidate trains the supernet, and a candidate is the network that `build` makes of its Arch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from nas.networks.blocks import make_block
from nas.networks.common_part import Part, common_part
from nas.networks.model import Network, build
from nas.supernet.slices import Sharing, larger, placed
from nas.training.fit import seeded
from nas.training.initial import start_near_identity
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.kinds.base import Block
from search_spaces.stage import Stage

_KEPT = 4096
"""Candidates whose parts are remembered."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The largest of all that shares weights."""

    blocks: Mapping[str, tuple[Block, Arch]]
    """The largest block of each slot, and a network that has one like it."""
    ends: Arch
    """A network of the largest stem, head and classifier."""

    @classmethod
    def of(cls, archs: Iterable[Arch], sharing: Sharing) -> "Layout":
        """Lay out what holds all of some networks, at least one."""
        blocks: dict[str, tuple[Block, Arch]] = {}
        ends: Arch | None = None
        for arch in archs:
            ends = _ends(arch) if ends is None else _larger_ends(ends, _ends(arch))
            for each in placed(arch, sharing):
                known = blocks.get(each.slot)
                block = each.block if known is None else larger(known[0], each.block)
                blocks[each.slot] = block, arch
        if ends is None:
            raise ValueError("expected a network")
        return cls(blocks, ends)

    def initial(self, seed: int, near_identity: bool) -> dict[str, Tensor]:
        """Make the initial weights, by their names: those of new networks, drawn by the seed."""
        found: dict[str, Tensor] = {}
        with seeded(seed, torch.device("cpu")), torch.no_grad():
            for name, weight in build(self.ends).named_parameters():
                if not name.startswith("blocks."):
                    found[name] = weight.detach()
            for slot, (block, arch) in self.blocks.items():
                module = make_block(block, arch, 0.0)
                if near_identity:
                    start_near_identity(module)
                for name, weight in module.named_parameters():
                    found[f"{slot}/{name}"] = weight.detach()
        return found


@dataclass(frozen=True, slots=True)
class Source:
    """Where a weight of a candidate lies."""

    name: str
    """The name of the tensor that it is a part of."""
    part: Part | None
    """The part; None where it is the whole."""


@dataclass(frozen=True, slots=True)
class Store:
    """The weights of a supernet, and which of them a candidate has."""

    tensors: Mapping[str, Tensor]
    sharing: Sharing
    _sources: dict[Arch, Mapping[str, Source]] = field(default_factory=dict, repr=False)

    @classmethod
    def fresh(
        cls,
        layout: Layout,
        sharing: Sharing,
        *,
        seed: int,
        near_identity: bool,
        device: torch.device,
    ) -> "Store":
        """Make a store of initial weights, to be trained on `device`."""
        initial = layout.initial(seed, near_identity)
        return cls({n: nn.Parameter(_laid_out(t.to(device))) for n, t in initial.items()}, sharing)

    def sources(self, arch: Arch, module: Network) -> Mapping[str, Source]:
        """Say where each parameter of a candidate lies; `module` is its network.

        Raises UserError for a network that is not in the supernet.
        """
        known = self._sources.get(arch)
        if known is None:
            if len(self._sources) >= _KEPT:
                self._sources.clear()
            known = self._sources[arch] = self._find(arch, module)
        return known

    def weights(self, arch: Arch, module: Network) -> dict[str, Tensor]:
        """Give the parameters of a candidate, by their names in its network: views, not copies.

        Raises UserError for a network that is not in the supernet.
        """
        return {
            name: self.tensors[source.name] if source.part is None else self._part(source)
            for name, source in self.sources(arch, module).items()
        }

    def _part(self, source: Source) -> Tensor:
        return self.tensors[source.name][source.part]

    def _find(self, arch: Arch, module: Network) -> dict[str, Source]:
        slots = {each.module: each.slot for each in placed(arch, self.sharing)}
        found: dict[str, Source] = {}
        for name, weight in module.named_parameters():
            block, own = _within(name)
            stored = f"{slots[block]}/{own}" if block else name
            whole = self.tensors.get(stored)
            if whole is None or not _holds(whole.shape, weight.shape):
                has = "none" if whole is None else f"one of {tuple(whole.shape)}"
                raise UserError(
                    f"{arch.name} is not in the supernet: {name} of {tuple(weight.shape)} would be "
                    f"part of {stored}, and there is {has}"
                )
            part = common_part(whole.shape, weight.shape)[0]
            found[name] = Source(stored, None if whole.shape == weight.shape else part)
        return found


def _within(name: str) -> tuple[str, str]:
    """The block that a parameter is of, `` for none, and the parameter's name in it."""
    if not name.startswith("blocks."):
        return "", name
    _, stage, index, own = name.split(".", 3)
    return f"blocks.{stage}.{index}", own


def _holds(whole: torch.Size, part: torch.Size) -> bool:
    return len(whole) == len(part) and all(a >= b for a, b in zip(whole, part, strict=True))


def _laid_out(tensor: Tensor) -> Tensor:
    """The tensor in the layout that convs are fast with."""
    if tensor.ndim == 4:
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor


def _ends(arch: Arch) -> Arch:
    """The network's stem, head and classifier, and as little as can be between them."""
    between = Stage(op="identity", channels=arch.stages[-1].channels)
    return arch.replace(stages=(between,))


def _larger_ends(one: Arch, other: Arch) -> Arch:
    stem = replace(one.stem, channels=max(one.stem.channels, other.stem.channels))
    head = replace(one.head, channels=max(one.head.channels, other.head.channels))
    channels = max(one.stages[0].channels, other.stages[0].channels)
    return one.replace(
        stem=stem,
        head=head,
        num_classes=max(one.num_classes, other.num_classes),
        stages=(Stage(op="identity", channels=channels),),
    )
