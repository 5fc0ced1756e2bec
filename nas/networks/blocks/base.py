"""What the blocks share: the addition of their input, and the makers of their layers."""

import functools
from collections.abc import Callable

from torch import Tensor, nn

from nas.networks.layers import Conv, DropPath, SqueezeExcitation, normalise
from search_spaces.arch import Arch
from search_spaces.kinds.base import Block


class Residual(nn.Module):
    """A block that adds its input to what its branch makes of it, where it has a skip."""

    def __init__(self, block: Block, drop_path: float) -> None:
        super().__init__()
        self.skip = block.skip
        self.last_norm = block.kind.last_norm
        self.drop_path: nn.Module = DropPath(drop_path) if drop_path else nn.Identity()

    def final_scale(self) -> nn.Parameter | None:
        """The scale whose zero makes the block pass its input on; None where there is none."""
        if not self.skip or self.last_norm is None:
            return None
        return self.get_parameter(f"{self.last_norm}.weight")

    def add(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        """The branch, unless it is dropped, and the shortcut; the branch alone without a skip."""
        return self.drop_path(branch) + shortcut if self.skip else branch


def makers(arch: Arch) -> tuple[Callable[..., Conv], Callable[[int], nn.BatchNorm2d]]:
    """The makers of the network's convs and batch norms."""
    norm = functools.partial(normalise, batch_norm=arch.batch_norm)
    return functools.partial(Conv, padding=arch.padding), norm


def squeeze_excite(channels: int, block: Block, arch: Arch) -> nn.Module:
    """The block's squeeze-and-excitation over `channels`; the identity where it has none."""
    if not block.se_channels:
        return nn.Identity()
    return SqueezeExcitation(channels, block.se_channels, block.activation, arch.se)
