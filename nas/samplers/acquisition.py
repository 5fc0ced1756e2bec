"""What a candidate of known cost and uncertain accuracy is expected to gain. All (n,)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

Floats = NDArray[np.float64]


def expected_gain(mean: Floats, deviation: Floats, best: float | Floats) -> Floats:
    """E[max(0, v − best)] of v ~ N(mean, deviation²): expected improvement."""
    away = (mean - best) / deviation
    density = np.exp(-0.5 * away**2) / np.sqrt(2 * np.pi)
    gain: Floats = np.maximum(deviation * (density + away * ndtr(away)), 0)
    return gain


def log_expected_gain(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Its logarithm, exact where the gain itself would vanish (Ament et al. 2023, eq. 9)."""
    away = (mean - best) / deviation
    near = np.maximum(away, -1)
    density = np.exp(-0.5 * near**2) / np.sqrt(2 * np.pi)
    far = np.minimum(away, -1)
    tail = np.log1p(np.maximum(far * np.sqrt(np.pi / 2) * erfcx(-far / np.sqrt(2)), -1 + 1e-15))
    tail = np.where(far < -1e4, -2 * np.log(-far), tail) - 0.5 * far**2 - 0.5 * np.log(2 * np.pi)
    gain: Floats = np.where(away > -1, np.log(density + near * ndtr(near)), tail)
    return gain + np.log(deviation)


@dataclass(frozen=True, slots=True)
class Front:
    """The best accuracy known at each cost, as steps; outside it, `worst` and `dearest`."""

    costs: Floats
    """(m,) rising"""
    accuracies: Floats
    """(m,) rising"""
    worst: float
    dearest: float

    @classmethod
    def of(cls, accuracies: Floats, costs: Floats, dearest: float) -> "Front":
        """The front of these points."""
        order = np.lexsort((-accuracies, costs))
        highest = np.maximum.accumulate(accuracies[order])
        rises = np.concatenate([[True], highest[1:] > highest[:-1]])
        worst = float(accuracies.min())
        return cls(costs[order][rises], accuracies[order][rises], worst, dearest)

    def expected_gain(self, mean: Floats, deviation: Floats, costs: Floats) -> Floats:
        """Expected growth of the hypervolume under the front.

        With the cost known, a candidate gains ∫ E[max(0, accuracy − best at cost u)] du from its
        own cost up: a sum of expected improvements, one a step of the front.
        """
        edges = np.append(self.costs, self.dearest)
        total: Floats = expected_gain(mean, deviation, self.worst) * np.clip(
            edges[0] - costs, 0, None
        )
        for accuracy, start, end in zip(self.accuracies, edges[:-1], edges[1:], strict=True):
            covered = np.clip(end - np.maximum(costs, start), 0, None)
            total += expected_gain(mean, deviation, float(accuracy)) * covered
        return total

    def depth(self, accuracies: Floats, costs: Floats) -> Floats:
        """How far points lie above the best accuracy at no more than their cost; (n,), ≤ 0."""
        best = self.accuracies[np.searchsorted(self.costs, costs, side="right") - 1]
        depth: Floats = accuracies - best
        return depth
