"""MobileNetV1's block."""

from torch import Tensor

from nas.networks.blocks.mbconv import DepthwiseSeparable
from nas.networks.layers import activate
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block


class ActivatedSeparable(DepthwiseSeparable):
    """Depthwise, then pointwise conv, each with an activation (arXiv 1704.04861)."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__(block, arch, drop_path)
        self.act2 = activate(block.activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.add(self.act2(self.branch(x)), x)
