"""Candidates' networks without weights, which run on those they are given."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nas.networks.model import Network, build, new_block
from nas.supernet.store import Store
from nas.training.update import BATCH_NORMS
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block

_KEPT = 512
"""Networks that are kept built."""
_KEPT_BLOCKS = 4096
"""Blocks that are kept; building those of a network would take a seventh of a step."""


def skeleton(arch: Arch) -> Network:
    """Build a network without memory for its weights."""
    with torch.device("meta"):
        return build(arch)


@dataclass(frozen=True, slots=True)
class Modules:
    """The networks of the candidates that are trained, built when they are first met.

    They have no weights and no state, so that those with the same block in the same place share its
    module.
    """

    _built: dict[Arch, Network] = field(default_factory=dict, repr=False)
    _blocks: dict[tuple[object, ...], nn.Module] = field(default_factory=dict, repr=False)

    def forward(self, store: Store, arch: Arch, images: Tensor) -> Tensor:
        """Give a candidate's logits of (n, 3, side, side) images, by its part of the store.

        Batch normalisation goes by the batch's own statistics, and keeps none. Raises UserError
        for a network that is not in the store.
        """
        module = self._module(arch)
        logits: Tensor = functional_call(module, store.weights(arch, module), (images,))
        return logits

    def shared(self, store: Store, arch: Arch) -> set[str]:
        """Name the tensors of the store that a candidate has a part of."""
        return {source.name for source in store.sources(arch, self._module(arch)).values()}

    def _module(self, arch: Arch) -> Network:
        module = self._built.get(arch)
        if module is None:
            if len(self._built) >= _KEPT:
                self._built.clear()
            with torch.device("meta"):
                module = self._built[arch] = _stateless(Network(arch, self._block))
        return module

    def _block(self, place: str, block: Block, arch: Arch, drop_path: float) -> nn.Module:
        """Give a block's module: the place is part of the key, since one network has each once."""
        key = (place, block, drop_path, arch.batch_norm, arch.se, arch.padding)
        module = self._blocks.get(key)
        if module is None:
            if len(self._blocks) >= _KEPT_BLOCKS:
                self._blocks.clear()
            module = self._blocks[key] = new_block(place, block, arch, drop_path)
        return module


def _stateless(network: Network) -> Network:
    """Set a network to train, its batch normalisation to keep no statistics."""
    for layer in network.modules():
        layer.training = True
        if isinstance(layer, BATCH_NORMS):
            layer.track_running_stats = False
    return network
