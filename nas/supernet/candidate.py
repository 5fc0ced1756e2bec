"""A candidate with its weights: a network as `build` makes it, whose statistics are its own."""

import torch
from torch import Tensor

from nas.data.dataset import Dataset
from nas.networks.model import Network
from nas.supernet.modules import skeleton
from nas.supernet.store import Store
from nas.training.augment import normalise
from nas.training.update import BATCH_NORMS
from search_spaces.arch import Arch

_BATCH = 256


def candidate(store: Store, arch: Arch) -> Network:
    """Give a candidate on the store's memory, its statistics as in any new network.

    Raises UserError for a network that is not in the store.
    """
    model = skeleton(arch)
    weights = store.weights(arch, model)
    fresh = {name: _fresh(name, buffer) for name, buffer in model.named_buffers()}
    model.load_state_dict({**weights, **fresh}, assign=True)
    return model


def recalibrate(model: Network, data: Dataset, count: int, seed: int) -> None:
    """Take the statistics of batch normalisation anew, over `count` training images as they are.

    They are the plain mean over the batches (Izmailov et al., arXiv 1803.05407, §3.2): what a
    supernet met while it was trained is of other candidates. The seed draws the images.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, BATCH_NORMS)]
    before = [layer.momentum for layer in layers]
    device = data.mean.device
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(data.train), generator=generator)[:count]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    model.train()
    with torch.no_grad():
        for batch in _batches(chosen):
            images = data.train.pixels.batch(batch, device)
            model(normalise(images, data.mean, data.std))
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum
    model.eval()


def _batches(chosen: Tensor) -> tuple[Tensor, ...]:
    """Batches of about equal size: the mean over them then counts each image alike."""
    return chosen.tensor_split(max(1, round(len(chosen) / _BATCH)))


def _fresh(name: str, buffer: Tensor) -> Tensor:
    """What a buffer of batch normalisation starts as."""
    make = torch.ones if name.endswith("running_var") else torch.zeros
    return make(buffer.shape, dtype=buffer.dtype)
