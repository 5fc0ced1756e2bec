"""Class activation maps: how much each place of an image speaks for a class.

Where a network pools its last maps and a linear layer follows, as in every network of the family,
a logit is the mean of such a map and a bias (CAM, arXiv 1512.04150). Where more than that follows
the pool, the map is of the first order (Grad-CAM, arXiv 1610.02391).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from nas.networks.model import Network

_LINEAR = ("conv", "pool")
"""Heads in which nothing but the classifier follows the pool"""


@dataclass(frozen=True, slots=True)
class ActivationMaps:
    """Maps of n images, each of one class, and what the network answers to them."""

    maps: Tensor
    """What each place adds to the class's logit, below zero where it speaks against it; float32,
    [n, height, width] as the network's last maps are"""
    classes: Tensor
    """The class that each map is of; int64, [n]"""
    logits: Tensor
    """[n, classes]"""


def activation_maps(
    network: Network, images: Tensor, classes: Tensor | None = None
) -> ActivationMaps:
    """The maps of normalised images, [n, channels, height, width], of one class each; [n].

    Without classes it is of each image the most likely one. The network has to be in inference
    mode. The mean of a map and the class's bias are its logit where `is_exact`.
    """
    with torch.no_grad():
        features = network.forward_features(images)
    with torch.enable_grad():
        features.requires_grad_()
        logits = network.forward_head(features)
        chosen = logits.argmax(1) if classes is None else classes.to(logits.device)
        of_chosen = logits.gather(1, chosen[:, None]).sum()
        (gradient,) = torch.autograd.grad(of_chosen, features)
    # By the pool's result, of which each place is a share: of linear heads the classifier's row.
    weights = gradient.sum((2, 3), keepdim=True)
    maps = (weights * features.detach()).sum(1)
    return ActivationMaps(maps, chosen, logits.detach())


def is_exact(network: Network) -> bool:
    """Whether logits are means of maps and a bias, so that maps tell all there is to tell."""
    return network.arch.head.kind in _LINEAR
