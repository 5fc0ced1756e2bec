"""Initial weights for trainings too short to recover from the paper's."""

from torch import nn

from nas.networks.blocks import (
    Bottleneck,
    DepthwiseSeparable,
    FusedInvertedResidual,
    InvertedResidual,
)
from nas.networks.layers import SqueezeExcitation

_OPEN = 2.0
"""Bias of a gate that lets most of each channel through: sigmoid(2) = 0.88."""


def start_near_identity(model: nn.Module) -> None:
    """Every residual branch starts at zero and every squeeze-and-excitation gate open.

    The last batch norm of a branch that is added to its input starts at γ = 0 (arXiv 1706.02677,
    §5.1): the network starts shallow and deepens as it learns. The paper's initial weights of
    squeeze-and-excitation grow with 1 / √(squeezed channels), and a slim network squeezes to one:
    its gates would start at random, nearly shut or open.
    """
    for module in model.modules():
        if isinstance(module, SqueezeExcitation):
            nn.init.zeros_(module.conv_expand.weight)
            if module.conv_expand.bias is not None:
                nn.init.constant_(module.conv_expand.bias, _OPEN)
        norm = _last_norm(module)
        if norm is not None:
            nn.init.zeros_(norm.weight)


def _last_norm(module: nn.Module) -> nn.BatchNorm2d | None:
    """The batch norm that ends a residual branch. None where an activation follows it: the
    gradient of a ReLU is zero at zero, so that such a branch would never leave it."""
    match module:
        case InvertedResidual(skip=True) | Bottleneck(skip=True):
            return module.bn3
        case FusedInvertedResidual(skip=True):
            return module.bn2
        case DepthwiseSeparable(skip=True, act2=nn.Identity()):
            return module.bn2
    return None
