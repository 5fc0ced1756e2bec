"""Directions of growth: how a rule's dimensions share what one unit of φ costs.

A direction is one share for each dimension, of at least 0, that sum to 1: with share s a dimension
of exponent e grows by ratio^(s φ / e). The paper's 1.2, 1.1, 1.15 is 0.28, 0.29, 0.43.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling_search.rule.published import known_direction, published_concentration
from scaling_search.rule.rule import Constants, Rule

Floats = NDArray[np.float64]

_MOST = 330
"""The most directions that are looked at: 24 steps from one dimension to another, of three."""
_MOST_STEPS = 60
_SETTLED = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """A lattice of directions, and how probable each is before anything is trained."""

    rule: Rule
    ratio: float
    """How much dearer one unit of φ makes a network."""
    shares: Floats
    """(directions, dimensions), each row summing to 1."""
    prior: Floats
    """(directions,) probabilities."""
    most: Floats
    """(dimensions,): the shares of the largest constants."""
    step: float
    """The distance between neighbouring shares."""
    plane: Floats
    """(dimensions, dimensions − 1) orthonormal columns: what shares may differ by."""
    known: Floats
    """(dimensions,): the published shares, or equal ones where nothing is published."""

    def constants(self, shares: Floats) -> Constants:
        """The constants, to three decimals, that share the cost of one unit of φ so."""
        logs = np.maximum(shares, 0) * math.log(self.ratio) / exponents(self.rule)
        return Constants(self.rule, tuple(np.exp(logs).round(3).tolist()))

    def growths(self, logs: Floats) -> Floats:
        """What multipliers of these logarithms, (…, dimensions), cost in units of φ, each alone."""
        grown: Floats = logs * exponents(self.rule) / math.log(self.ratio)
        return grown


# Sweeps of one rule, and forecasts after them, ask for the same ones.
@functools.lru_cache(maxsize=16)
def make_directions(rule: Rule, ratio: float, largest: float) -> Directions:
    """The directions whose constants are at most `largest`, with their prior.

    The prior is a Dirichlet distribution around the published constants, as wide as published
    families differ from them. Without such, all directions are alike to it.
    """
    dimensions = len(rule.dimensions)
    steps = max(n for n in range(1, _MOST_STEPS + 1) if _ways(n, dimensions) <= _MOST)
    shares = np.array(list(_compositions(steps, dimensions))) / steps
    most = math.log(largest) * exponents(rule) / math.log(ratio)
    shares = shares[(shares <= most + 0.5 / steps).all(axis=1)]
    centre, concentration = known_direction(rule), published_concentration(rule)
    # A share of 0 stands for those up to half a step; the density may be infinite at 0 itself.
    inside = (shares * steps + 1 / dimensions) / (steps + 1)
    logs = np.log(inside) @ (concentration * centre - 1)
    density = np.exp(logs - logs.max())
    prior = density / density.sum()
    return Directions(rule, ratio, shares, prior, most, 1 / steps, _plane(dimensions), centre)


def exponents(rule: Rule) -> Floats:
    """(dimensions,) powers that MACs grow by."""
    return np.array([float(dimension.exponent) for dimension in rule])


def tilt_to_mean(points: Floats, mean: Floats) -> Floats:
    """(dimensions,) such that the (n, dimensions) points, each weighed by e^(tilt·point), have it.

    Of all weights with this mean, these differ least from equal ones (Kullback–Leibler). Newton's
    method; zeros where the points lie all to one side of the mean, and no weights have it.
    """
    tilt = np.zeros(points.shape[1])
    if (points.min(axis=0) > mean).any() or (points.max(axis=0) < mean).any():
        return tilt
    for _ in range(50):
        weights = tilted(points, tilt)
        miss = weights @ points - mean
        if miss @ miss < _SETTLED:
            return tilt
        away = points - weights @ points
        tilt = tilt - np.linalg.pinv((away.T * weights) @ away) @ miss
    return np.zeros(points.shape[1])


def tilted(points: Floats, tilt: Floats) -> Floats:
    """(n,) weights e^(tilt·point), summing to 1."""
    logs = points @ tilt
    weights = np.exp(logs - logs.max())
    shares: Floats = weights / weights.sum()
    return shares


def _plane(dimensions: int) -> Floats:
    columns = np.hstack([np.ones((dimensions, 1)), np.eye(dimensions)[:, : dimensions - 1]])
    plane: Floats = np.linalg.qr(columns)[0][:, 1:]
    return plane


def _ways(total: int, parts: int) -> int:
    return math.comb(total + parts - 1, parts - 1)


def _compositions(total: int, parts: int) -> Iterator[Sequence[int]]:
    """Every way to write `total` as so many numbers of at least 0, ascending."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        yield from ((first, *rest) for rest in _compositions(total - first, parts - 1))
