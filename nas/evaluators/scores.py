"""Scores of networks that nobody trained, each from one batch of images.

Larger is taken to be better. Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS"
(arXiv 2101.08134), compares them.
"""

import copy
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.networks.layers import ACTIVATION_MODULES
from nas.training.update import BATCH_NORMS

ScoreName = Literal["synflow", "naswot", "jacov", "grad_norm"]

_JACOV_EPSILON = 1e-5


class Pass:
    """A fresh network on a batch of images (n, 3, side, side) of classes (n,).

    It runs forward once, for all scores that want it: that is half of what one takes.
    """

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor) -> None:
        self.model = model
        self.images = images.clone().requires_grad_()
        self.labels = labels

    @property
    def logits(self) -> Tensor:
        """(n, classes) logits, with their graph."""
        return self._forward[0]

    @property
    def units(self) -> list[Tensor]:
        """For each activation (n, units): which of its inputs are above 0. Gates are no such."""
        return self._forward[1]

    @functools.cached_property
    def _forward(self) -> tuple[Tensor, list[Tensor]]:
        units: list[Tensor] = []

        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            units.append(inputs[0].detach().flatten(1) > 0)

        with _hooked(self.model, note):
            return self.model.train()(self.images), units


Score = Callable[[Pass], float]
"""A function of a fresh network on a batch, which leaves the network as it is. Its score is not
finite where the network has none."""


def synflow(of: Pass) -> float:
    """ln Σ |θ · ∂R/∂θ| over the weights of convs and linear layers, where R is the sum of the
    logits of an image of ones by the weights' magnitudes (arXiv 2006.05467, §5).

    The network is linear but for its gates: batch norms have the statistics they start with;
    activations, which would see nothing negative, and layer norms, whose output no factor of a
    weight would change, are left out. In float64, as R is a product over layers.
    """
    model = copy.deepcopy(of.model).double().eval()
    _linearise(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    ones = torch.ones_like(of.images[:1], dtype=torch.float64)
    weights = _weights(model)
    gradients = torch.autograd.grad(model(ones).sum(), weights, allow_unused=True)
    total = sum(
        float((weight.detach() * gradient).abs().sum())
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is not None
    )
    return _ln(total)


def naswot(of: Pass) -> float:
    """ln |det K| / n, where K_ij counts the units that images i and j set alike, on or off, of all
    activations (arXiv 2006.04647, §3). A unit is on where its input is above 0."""
    count = len(of.images)
    kernel = torch.zeros(count, count, dtype=torch.float64)
    for on in of.units:
        signs = torch.where(on, 1.0, -1.0)
        # The product counts alike units less unlike ones: with n added and halved, the alike ones.
        kernel.add_((signs @ signs.T).double().add_(signs.shape[1]).div_(2))
    return float(torch.linalg.slogdet(kernel).logabsdet) / count


def jacov(of: Pass) -> float:
    """−Σ (ln(λ + ε) + 1 / (λ + ε)) / n over the eigenvalues λ of how the gradients of the sum of
    logits with respect to the images correlate (arXiv 2006.04647, first version)."""
    (gradient,) = torch.autograd.grad(of.logits.sum(), of.images, retain_graph=True)
    correlations = torch.corrcoef(gradient.flatten(1).double())
    if not bool(correlations.isfinite().all()):
        return math.nan
    shifted = torch.linalg.eigvalsh(correlations).clamp(min=0) + _JACOV_EPSILON
    return -float((shifted.log() + 1 / shifted).mean())


def grad_norm(of: Pass) -> float:
    """ln of the sum, over convs and linear layers, of the Euclidean norm of the gradient of the
    cross-entropy with respect to their weights."""
    loss = F.cross_entropy(of.logits, of.labels)
    weights = _weights(of.model)
    gradients = torch.autograd.grad(loss, weights, allow_unused=True, retain_graph=True)
    return _ln(sum(float(gradient.norm()) for gradient in gradients if gradient is not None))


SCORES: Mapping[ScoreName, Score] = {
    "synflow": synflow,
    "naswot": naswot,
    "jacov": jacov,
    "grad_norm": grad_norm,
}


def _linearise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, BATCH_NORMS):
            module.reset_running_stats()
        for name, child in module.named_children():
            if isinstance(child, (*ACTIVATION_MODULES, nn.LayerNorm)):
                setattr(module, name, nn.Identity())


def _weights(model: nn.Module) -> list[Tensor]:
    return [m.weight for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


@contextmanager
def _hooked(model: nn.Module, hook: Callable[[nn.Module, Any], None]) -> Iterator[None]:
    """Show `hook` the inputs of activations before these overwrite them."""
    handles = [
        module.register_forward_pre_hook(hook)
        for module in model.modules()
        if isinstance(module, ACTIVATION_MODULES)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _ln(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
