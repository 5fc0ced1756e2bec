"""What candidates of known cost and uncertain accuracy are expected to gain.

All arrays have the shape (n,), unless another is given.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

Floats = NDArray[np.float64]


def expected_gain(mean: Floats, deviation: Floats, best: float | Floats) -> Floats:
    """The expected improvement E[max(0, v − best)] where v ~ N(mean, deviation²)."""
    away = (mean - best) / deviation
    density = np.exp(-0.5 * away**2) / np.sqrt(2 * np.pi)
    gain: Floats = np.maximum(deviation * (density + away * ndtr(away)), 0)
    return gain


def log_expected_gain(mean: Floats, deviation: Floats, best: float) -> Floats:
    """The logarithm of the expected gain (Ament et al. 2023, eq. 9).

    It is exact where the gain itself is too small for a floating-point number.
    """
    away = (mean - best) / deviation
    near = np.maximum(away, -1)
    density = np.exp(-0.5 * near**2) / np.sqrt(2 * np.pi)
    far = np.minimum(away, -1)
    tail = np.log1p(np.maximum(far * np.sqrt(np.pi / 2) * erfcx(-far / np.sqrt(2)), -1 + 1e-15))
    tail = np.where(far < -1e4, -2 * np.log(-far), tail) - 0.5 * far**2 - 0.5 * np.log(2 * np.pi)
    gain: Floats = np.where(away > -1, np.log(density + near * ndtr(near)), tail)
    return gain + np.log(deviation)


@dataclass(frozen=True, slots=True)
class ParetoFront:
    """The best accuracy known at each cost, as a rising step function."""

    costs: Floats
    """(m,) costs of the points on the front, rising"""
    accuracies: Floats
    """(m,) their accuracies, rising"""
    worst: float
    """The lowest accuracy: hypervolumes are counted from here,"""
    dearest: float
    """to this cost."""

    @classmethod
    def of(cls, accuracies: Floats, costs: Floats, dearest: float) -> "ParetoFront":
        """The front of these points."""
        order = np.lexsort((-accuracies, costs))
        highest = np.maximum.accumulate(accuracies[order])
        rises = np.concatenate([[True], highest[1:] > highest[:-1]])
        worst = float(accuracies.min())
        return cls(costs[order][rises], accuracies[order][rises], worst, dearest)

    def expected_gain(self, mean: Floats, deviation: Floats, costs: Floats) -> Floats:
        """The expected growth of the hypervolume under the front.

        A candidate of known cost gains ∫ E[max(0, accuracy − best at cost u)] du, from its own cost
        up: a sum of expected improvements, one for each step of the front.
        """
        edges = np.append(self.costs, self.dearest)
        total: Floats = expected_gain(mean, deviation, self.worst) * np.clip(
            edges[0] - costs, 0, None
        )
        for accuracy, start, end in zip(self.accuracies, edges[:-1], edges[1:], strict=True):
            covered = np.clip(end - np.maximum(costs, start), 0, None)
            total += expected_gain(mean, deviation, float(accuracy)) * covered
        return total

    def height(self, accuracies: Floats, costs: Floats) -> Floats:
        """Each point's accuracy less the front's at its cost; (n,), at most 0."""
        best = self.accuracies[np.searchsorted(self.costs, costs, side="right") - 1]
        height: Floats = accuracies - best
        return height
