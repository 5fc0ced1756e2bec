"""How networks are made slim, by the same rule that scales up."""

import math
from dataclasses import dataclass

from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.scaling import scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Slimming:
    """The multipliers of a slim network, as the settings of an evaluator have them.

    Raises UserError for impossible ones, naming the field.
    """

    width: float
    depth: float
    resolution: int
    base_resolution: int
    divisor: int

    def __post_init__(self) -> None:
        for name in ("resolution", "base_resolution", "divisor"):
            if getattr(self, name) < 1:
                raise UserError(f"{name}: expected at least 1, got {getattr(self, name)}")
        for name in ("width", "depth"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"{name}: expected above 0, got {getattr(self, name)}")

    def pixels(self, arch: Arch) -> int:
        """Give the pixels a side that the slim network is fed."""
        return round(self.resolution * arch.resolution / self.base_resolution)

    def slim(self, arch: Arch) -> Arch:
        """Give `arch` scaled down, for images of three channels.

        Raises UserError where too few pixels are left for its strides.
        """
        resolution = self.pixels(arch)
        try:
            scaled = scale(arch, self.depth, self.width, resolution, divisor=self.divisor)
        except UserError as error:
            raise UserError(
                f"{arch.name} scaled to depth {self.depth}, width {self.width} and "
                f"{resolution} px: {error}"
            ) from error
        return scaled.replace(in_channels=3)
