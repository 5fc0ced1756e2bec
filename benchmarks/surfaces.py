"""Accuracy surfaces whose best network and best constants are known, for benchmarks of sweeps.

All are over the networks of the paper's grid around EfficientNet-B0, in percentage points, and
fixed by their seed. Each network deviates by 0.1 points of its own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling_search.grow.grid import Candidate
from scaling_search.rule.compound import PAPER

Floats = NDArray[np.float64]

OWN = 0.1
_EXPONENTS = np.array([1.0, 2.0, 2.0])
_LARGEST = 1.4
_FINE = 150


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a surface."""

    accuracies: Floats
    """(candidates,) in percentage points."""
    constants: Floats
    """(3,) logarithms of the best α, β, γ that cost what the paper's do."""


def quadratic(candidates: Sequence[Candidate], span: float, rng: np.random.Generator) -> Truth:
    """Accuracy falls with the square of the distance from an optimum somewhere on the grid."""
    places = _places(candidates)
    optimum = places[rng.integers(len(places))] + rng.normal(0, 0.02, 3)
    bends = rng.uniform(1, 4, 3)
    return _truth(candidates, span, rng, lambda logs: -((logs - optimum) ** 2 * bends).sum(axis=1))


def published(candidates: Sequence[Candidate], span: float, rng: np.random.Generator) -> Truth:
    """As `quadratic`, with the optimum at the published constants."""
    optimum, bends = np.log(PAPER.values), rng.uniform(1, 4, 3)
    return _truth(candidates, span, rng, lambda logs: -((logs - optimum) ** 2 * bends).sum(axis=1))


def ridge(candidates: Sequence[Candidate], span: float, rng: np.random.Generator) -> Truth:
    """A ridge of random direction: sharp across (a power of 1.3), nearly level along it."""
    places = _places(candidates)
    optimum = _shares(places[rng.integers(len(places))]) + rng.normal(0, 0.03, 3)
    turn, level = rng.uniform(0, math.pi), rng.uniform(0.1, 0.4)
    plane = np.linalg.qr(np.c_[np.ones(3), np.eye(3)[:, :2]])[0][:, 1:]
    along = plane @ [math.cos(turn), math.sin(turn)]
    across = plane @ [-math.sin(turn), math.cos(turn)]

    def accuracy(logs: Floats) -> Floats:
        away = _shares(logs) - optimum
        fall: Floats = -(np.abs(away @ across) ** 1.3)
        return fall - level * (1 - np.exp(-((away @ along / 0.4) ** 2)))

    return _truth(candidates, span, rng, accuracy)


def _truth(
    candidates: Sequence[Candidate],
    span: float,
    rng: np.random.Generator,
    accuracy: Callable[[Floats], Floats],
) -> Truth:
    costs = np.log([candidate.realised_ratio for candidate in candidates])
    smooth = costs * rng.uniform(0, 0.1) + accuracy(_places(candidates))
    smooth *= span / np.ptp(smooth)
    directions = _directions()
    best = directions[accuracy(directions).argmax()]
    return Truth(80 + smooth + rng.normal(0, OWN, len(candidates)), best)


def _places(candidates: Sequence[Candidate]) -> Floats:
    return np.log([candidate.multipliers.values for candidate in candidates])


def _shares(logs: Floats) -> Floats:
    shares: Floats = logs * _EXPONENTS / math.log(2)
    return shares


def _directions() -> Floats:
    """(n, 3) logarithms of constants that cost what the paper's do, finely spaced."""
    steps = np.arange(_FINE + 1)
    depth, width = np.meshgrid(steps, steps)
    shares = np.stack([depth, width, _FINE - depth - width], axis=-1).reshape(-1, 3) / _FINE
    logs = shares * math.log(PAPER.product()) / _EXPONENTS
    kept: Floats = logs[(shares[:, 2] >= 0) & (logs <= math.log(_LARGEST) + 1e-9).all(axis=1)]
    return kept
