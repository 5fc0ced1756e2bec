"""Initial weights for trainings too short to recover from the paper's."""

from torch import nn

from nas.networks.blocks.base import Residual
from nas.networks.layers import SqueezeExcitation

_OPEN = 2.0
"""Bias of a gate that lets most of each channel through: sigmoid(2) = 0.88."""


def start_near_identity(model: nn.Module) -> None:
    """Every residual branch starts at zero and every squeeze-and-excitation gate open.

    The norm that ends a branch which is added to its input starts at γ = 0 (arXiv 1706.02677,
    §5.1): the network starts shallow and deepens as it learns. The paper's initial weights of
    squeeze-and-excitation grow with 1 / √(squeezed channels), and a slim network squeezes to one:
    its gates would start at random, nearly shut or open.
    """
    for module in model.modules():
        if isinstance(module, SqueezeExcitation):
            nn.init.zeros_(module.conv_expand.weight)
            if module.conv_expand.bias is not None:
                nn.init.constant_(module.conv_expand.bias, _OPEN)
        if isinstance(module, Residual):
            scale = module.final_scale()
            if scale is not None:
                nn.init.zeros_(scale)
