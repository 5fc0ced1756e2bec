"""Compound scaling: one exponent φ grows depth, width and resolution together.

EfficientNet (arXiv 1905.11946), §3.3, equation 3: depth α^φ, width β^φ, resolution γ^φ, under
α · β² · γ² ≈ 2.
"""

from dataclasses import dataclass

from scaling_search.rule.dimension import Dimension
from scaling_search.rule.rule import Multipliers, Rule
from search_spaces.arch import Arch
from search_spaces.limits import MOST_PIXELS
from search_spaces.rounding import round_resolution


def layers(arch: Arch) -> int:
    """The layers of all stages."""
    return sum(stage.repeats for stage in arch.stages)


def channels(arch: Arch) -> int:
    """The channels that the stages write, summed."""
    return sum(stage.channels for stage in arch.stages)


def pixels(arch: Arch) -> int:
    """The pixels of a side of the input."""
    return arch.resolution


COMPOUND = Rule(
    (
        Dimension("depth", "alpha", "α", 1, "layers", layers),
        Dimension("width", "beta", "β", 2, "channels", channels),
        Dimension("resolution", "gamma", "γ", 2, "pixels", pixels, round_resolution, MOST_PIXELS),
    )
)
"""The paper's rule, and the one that sweeps, families and ablations follow unless told another."""

PAPER = COMPOUND.constants(alpha=1.2, beta=1.1, gamma=1.15)
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
        return COMPOUND.multipliers(
            depth=self.depth, width=self.width, resolution=self.resolution / 224
        )


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
