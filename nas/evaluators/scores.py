"""Scores of networks that nobody trained, each from one batch of images.

Larger is taken to be better. Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS"
(arXiv 2101.08134), compares them.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.networks.layers import ACTIVATION_MODULES

ScoreName = Literal["synflow", "naswot", "jacov", "grad_norm"]
Score = Callable[[nn.Module, Tensor, Tensor], float]
"""A function of a fresh network, which it may spoil, images (n, 3, side, side) and their classes
(n,). Its score is not finite where the network has none."""

_JACOV_EPSILON = 1e-5


def synflow(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """ln Σ |θ · ∂R/∂θ| over the weights of convs and linear layers, where R is the sum of the
    logits of an image of ones by the weights' magnitudes (arXiv 2006.05467, §5).

    The network is linear but for its gates: batch norms have the statistics they start with;
    activations, which would see nothing negative, and layer norms, whose output no factor of a
    weight would change, are left out. In float64, as R is a product over layers.
    """
    model.double().eval()
    _linearise(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    ones = torch.ones_like(images[:1], dtype=torch.float64)
    weights = _weights(model)
    gradients = torch.autograd.grad(model(ones).sum(), weights, allow_unused=True)
    total = sum(
        float((weight.detach() * gradient).abs().sum())
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is not None
    )
    return _ln(total)


def naswot(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """ln |det K| / n, where K_ij counts the units that images i and j set alike, on or off, of all
    activations (arXiv 2006.04647, §3). A unit is on where its input is above 0."""
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64)

    def count(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        signs = torch.where(inputs[0].flatten(1) > 0, 1.0, -1.0)
        # The product counts alike units less unlike ones: with n added and halved, the alike ones.
        kernel.add_((signs @ signs.T).double().add_(signs.shape[1]).div_(2))

    with _hooked(model, count), torch.no_grad():
        model.train()(images)
    return float(torch.linalg.slogdet(kernel).logabsdet) / len(images)


def jacov(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """−Σ (ln(λ + ε) + 1 / (λ + ε)) / n over the eigenvalues λ of how the gradients of the sum of
    logits with respect to the images correlate (arXiv 2006.04647, first version)."""
    images = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model.train()(images).sum(), images)
    correlations = torch.corrcoef(gradient.flatten(1).double())
    if not bool(correlations.isfinite().all()):
        return math.nan
    shifted = torch.linalg.eigvalsh(correlations).clamp(min=0) + _JACOV_EPSILON
    return -float((shifted.log() + 1 / shifted).mean())


def grad_norm(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """ln of the sum, over convs and linear layers, of the Euclidean norm of the gradient of the
    cross-entropy with respect to their weights."""
    loss = F.cross_entropy(model.train()(images), labels)
    gradients = torch.autograd.grad(loss, _weights(model), allow_unused=True)
    return _ln(sum(float(gradient.norm()) for gradient in gradients if gradient is not None))


SCORES: Mapping[ScoreName, Score] = {
    "synflow": synflow,
    "naswot": naswot,
    "jacov": jacov,
    "grad_norm": grad_norm,
}


def _linearise(model: nn.Module) -> None:
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, (*ACTIVATION_MODULES, nn.LayerNorm)):
                setattr(module, name, nn.Identity())


def _weights(model: nn.Module) -> list[Tensor]:
    return [m.weight for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


@contextmanager
def _hooked(model: nn.Module, hook: Callable[[nn.Module, Any], None]) -> Iterator[None]:
    """Show `hook` the inputs of activations before these overwrite them; gates are no such."""
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
