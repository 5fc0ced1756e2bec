"""How published families grow: what is known of a rule's constants before any training."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling_search.rule.compound import COMPOUND
from scaling_search.rule.rule import Rule

Floats = NDArray[np.float64]

_NOTHING_KNOWN = 3.0
"""The concentration for a rule without published families: a little more than uniform."""


@dataclass(frozen=True, slots=True)
class PublishedGrowth:
    """How a published family shares the growth of its MACs among depth, width and resolution."""

    family: str
    source: str
    depth: float
    width: float
    resolution: float
    """Each a multiplier from a smaller member to a larger, or of one unit of φ."""

    @property
    def shares(self) -> Floats:
        """The share of each dimension in the logarithm of the growth of MACs; they sum to 1."""
        logs = [math.log(self.depth), 2 * math.log(self.width), 2 * math.log(self.resolution)]
        return np.array(logs) / sum(logs)


FAMILIES: tuple[PublishedGrowth, ...] = (
    PublishedGrowth("EfficientNet, φ = 1", "arXiv 1905.11946, §3.3", 1.2, 1.1, 1.15),
    PublishedGrowth("MobileNetV2, 0.35 at 96 px to 1.4 at 224 px", "arXiv 1801.04381", 1, 4, 7 / 3),
    PublishedGrowth("ResNet-RS, 50 at 160 px to 420 at 320 px", "arXiv 2103.07579", 8.4, 1, 2),
    PublishedGrowth("ConvNeXt, T to L", "arXiv 2201.03545", 2, 2, 1),
    PublishedGrowth("dWr scaling, ×2", "arXiv 2103.06877, §4", 2**0.1, 2**0.4, 2**0.05),
)
"""Families of convolutional networks, after very different ideas of how to scale."""


def known_direction(rule: Rule) -> Floats:
    """The shares, (dimensions,), of the constants that are known: the paper's, for its rule.

    Equal shares for a rule of which nothing is known.
    """
    dimensions = len(rule.dimensions)
    if rule.names != COMPOUND.names:
        return np.full(dimensions, 1 / dimensions)
    return FAMILIES[0].shares


def published_concentration(rule: Rule) -> float:
    """The concentration of a Dirichlet distribution of directions, around the known one.

    For the paper's rule it has the mean squared distance that published families have from it.
    """
    if rule.names != COMPOUND.names:
        return _NOTHING_KNOWN
    centre = known_direction(rule)
    apart = np.mean([((each.shares - centre) ** 2).sum() for each in FAMILIES])
    return float((centre * (1 - centre)).sum() / apart - 1)
