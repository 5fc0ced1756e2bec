"""Compound scaling: one exponent φ grows depth, width and resolution together.

EfficientNet (arXiv 1905.11946), §3.3, equation 3.
"""

import math
from dataclasses import dataclass

from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.limits import MOST_PIXELS
from search_spaces.rounding import DepthRounding, round_resolution
from search_spaces.scaling import scale


@dataclass(frozen=True, slots=True)
class Multipliers:
    """What a network is multiplied by, before anything is rounded."""

    depth: float
    width: float
    resolution: float

    def nominal_ratio(self) -> float:
        """Growth of MACs, were nothing rounded: depth · width² · resolution²."""
        return self.depth * self.width**2 * self.resolution**2

    def apply(self, baseline: Arch, depth_rounding: DepthRounding = "ceil") -> Arch:
        """The network that `baseline` becomes. Raises UserError as `scale` does."""
        if not 0 < self.resolution <= MOST_PIXELS / baseline.resolution:
            raise UserError(
                f"resolution: {self.resolution:g} times {baseline.resolution} pixels; expected at "
                f"most {MOST_PIXELS}"
            )
        pixels = round_resolution(baseline.resolution * self.resolution)
        return scale(baseline, self.depth, self.width, pixels, depth_rounding=depth_rounding)


@dataclass(frozen=True, slots=True, order=True)
class Constants:
    """α, β, γ: what depth, width and resolution are multiplied by as φ grows by one."""

    alpha: float
    beta: float
    gamma: float

    def __post_init__(self) -> None:
        for name, value in (("alpha", self.alpha), ("beta", self.beta), ("gamma", self.gamma)):
            if not (math.isfinite(value) and value >= 1):
                raise UserError(f"{name}: expected a number of at least 1, got {value}")

    def multipliers(self, phi: float) -> Multipliers:
        """(α^φ, β^φ, γ^φ). Raises UserError where φ is so large that they overflow."""
        if not math.isfinite(phi):
            raise UserError(f"phi: expected a finite number, got {phi}")
        try:
            return Multipliers(self.alpha**phi, self.beta**phi, self.gamma**phi)
        except OverflowError:
            raise UserError(f"phi: {phi} is too large for α, β, γ = {self}") from None

    def product(self) -> float:
        """α · β² · γ²: growth of MACs for each unit of φ, were nothing rounded."""
        return self.multipliers(1.0).nominal_ratio()

    def nominal_ratio(self, phi: float) -> float:
        """(α · β² · γ²)^φ."""
        return self.multipliers(phi).nominal_ratio()

    def __str__(self) -> str:
        return f"{self.alpha:g}, {self.beta:g}, {self.gamma:g}"


PAPER = Constants(1.2, 1.1, 1.15)
"""The paper's own answer, for EfficientNet-B0 at φ = 1; its product is 1.9203, not 2."""


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """What the released code scales one member of the family by."""

    name: str
    width: float
    depth: float
    resolution: int
    """Pixels, for a baseline of 224."""
    dropout: float
    phi: float
    """The φ usually named for it; the coefficients are α^φ for no single φ."""

    def multipliers(self) -> Multipliers:
        """Its multipliers; the resolution's is relative to B0's 224 pixels."""
        return Multipliers(self.depth, self.width, self.resolution / 224)


PUBLISHED: tuple[PublishedRow, ...] = (
    PublishedRow("b0", 1.0, 1.0, 224, 0.2, 0.0),
    PublishedRow("b1", 1.0, 1.1, 240, 0.2, 0.5),
    PublishedRow("b2", 1.1, 1.2, 260, 0.3, 1.0),
    PublishedRow("b3", 1.2, 1.4, 300, 0.3, 2.0),
    PublishedRow("b4", 1.4, 1.8, 380, 0.4, 3.5),
    PublishedRow("b5", 1.6, 2.2, 456, 0.4, 5.0),
    PublishedRow("b6", 1.8, 2.6, 528, 0.5, 6.0),
    PublishedRow("b7", 2.0, 3.1, 600, 0.5, 7.0),
)
"""The coefficients of the released TPU code (`efficientnet_builder.efficientnet_params`)."""
