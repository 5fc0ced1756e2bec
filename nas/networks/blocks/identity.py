"""An identity that changes the shape."""

from torch import Tensor, nn

from nas.networks.layers import Conv, normalise
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block


class Reshape(nn.Module):
    """An identity whose output has another shape: 1×1 conv and batch norm."""

    def __init__(self, block: Block, arch: Arch, drop_path: float) -> None:
        super().__init__()
        self.conv = Conv(block.in_channels, block.channels, stride=block.stride)
        self.bn1 = normalise(block.channels, arch.batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv(x))  # type: ignore[no-any-return]
