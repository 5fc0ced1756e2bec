"""Candidates' networks without weights, which run on those they are given."""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.func import functional_call

from nas.networks.model import Network, build
from nas.supernet.store import Store
from nas.training.update import BATCH_NORMS
from search_spaces.arch import Arch

_KEPT = 512
"""Networks that are kept built; building one takes a tenth of a step."""


def skeleton(arch: Arch) -> Network:
    """Build a network without memory for its weights."""
    with torch.device("meta"):
        return build(arch)


@dataclass(frozen=True, slots=True)
class Modules:
    """The networks of the candidates that are trained, built when they are first met."""

    _built: dict[Arch, Network] = field(default_factory=dict, repr=False)

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
            module = self._built[arch] = skeleton(arch).train()
            for layer in module.modules():
                if isinstance(layer, BATCH_NORMS):
                    layer.track_running_stats = False
        return module
