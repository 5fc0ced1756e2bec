"""Accuracy as a surface over a rule's dimensions: what trainings say of all networks at once.

In units of the noise σ of one training, network i with growth v (a vector: what its multipliers
cost in units of φ, each alone), of t = Σ v nominal and c realised units of φ in all, has the
accuracy

    m + s·h(c) − ½ (v − t·u)ᵀ A (v − t·u) · e^(−λt) / t + g(v) + δᵢ.

More cost brings s·h(c) = s (1 − e^(−λc)) / λ, which saturates. u is the best direction: growth in
another one loses a constant part of what each unit of φ brings. A bends the loss; g, a Gaussian
process, is what is smooth and not quadratic; δᵢ is the network's own deviation, of rounding say.
All is Gaussian given u and a few hyperparameters. These are integrated over lattices, so that the
posterior of u is exact but for the steps of its lattice, and equal trainings give an equal one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product

import numpy as np
from numpy.typing import NDArray

from nas.statistics.blas import one_blas_thread
from scaling_search.judge.counted import least_noise
from scaling_search.judge.directions import Directions

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NOISES = np.geomspace(2e-5, 0.12, 44)
"""σ: the standard deviation of one training's accuracy, a fraction."""
CURVATURES = (1.0, 3.0, 10.0, 30.0, 100.0)
"""The mean of A's diagonal: twice what is lost, in σ, where all growth is in a wrong dimension."""
DEVIATIONS = {0.05: 0.15, 0.2: 0.3, 0.5: 0.3, 1.2: 0.2, 3.0: 0.05}
"""The standard deviation of δ, in σ, and how probable: one training of each network cannot tell it
from σ, and neighbours on a grid are nearly the same network."""
ROUGHNESS = (0.0, 0.15)
"""The standard deviation of g, as a part of the curvature."""
SATURATIONS = (0.1, 0.2, 0.4, 0.8, 1.2)
"""λ: by how much of itself a unit of φ brings less than the unit before it."""
_LENGTH = 0.35
"""Growths so far apart have values of g that correlate by e^(−½)."""
_BENDS = (0.75, 0.5)
"""The standard deviation of A's diagonal and of its other elements, as a part of the curvature."""
_COST = (2.0, 10.0)
"""Mean and standard deviation of s, in σ: more cost is expected to bring more accuracy."""
_SMALLEST = 1e-3
"""Units of φ below which a network has not grown."""
_LEVEL = 1e3
"""The standard deviation of m, in σ, around the mean of what was seen: nothing is known of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where networks lie on the surface."""

    growth: Floats
    """(networks, dimensions): what each dimension's multiplier alone costs, in units of φ."""
    cost: Floats
    """(networks,): the MACs as built, in units of φ."""

    def __len__(self) -> int:
        return len(self.cost)

    def __getitem__(self, which: Sequence[int] | Integers) -> "Places":
        return Places(self.growth[which], self.cost[which])


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The trainings that a surface is fitted to: some networks, each with one or more."""

    places: Places
    counts: Floats
    """(networks,) trainings."""
    means: Floats
    """(networks,) mean accuracies."""
    squares: Floats
    """(networks,) sums of squared deviations of the accuracies from their network's mean."""
    least: float = 0.0
    """The least σ that they may have, a fraction."""
    at_chance: int = 0
    """Trainings that are left out, as none at all can be told from chance."""

    @classmethod
    def of(
        cls, places: Places, accuracies: Sequence[Sequence[float]], images: int | None = None
    ) -> "Seen":
        """The trainings of the networks at these places, at least one of each.

        `images` are those that accuracies are counted on, where that is known: see `least_noise`.
        """
        means = np.array([float(np.mean(each)) for each in accuracies])
        squares = np.array([float(((np.array(a) - np.mean(a)) ** 2).sum()) for a in accuracies])
        counts = np.array([float(len(a)) for a in accuracies])
        least = least_noise([each for a in accuracies for each in a], images)
        return cls(places, counts, means, squares, least)


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The surface for one λ, as a sum of fixed functions of a place with unknown weights.

    For a direction u the weights are linear in few coefficients: m, s and the elements of A.
    """

    directions: Directions
    saturation: float

    def functions(self, places: Places) -> Floats:
        """(networks, functions): 1, h(c), and those that every loss is made of."""
        # Nothing tells the direction of what shrank: it loses by its cost alone.
        total = np.maximum(places.growth.sum(axis=1), 0)
        within = places.growth @ self.directions.plane
        fading = np.exp(-self.saturation * total)
        per_unit = np.where(total > _SMALLEST, fading / np.maximum(total, _SMALLEST), 0)
        quadratic = [within[:, i] * within[:, j] * per_unit for i, j in self._pairs]
        linear = [within[:, i] * fading * (total > 0) for i in range(within.shape[1])]
        gain = -np.expm1(-self.saturation * places.cost) / self.saturation
        columns = [np.ones_like(total), gain, *quadratic, *linear, total * fading]
        return np.stack(columns, axis=1)

    def weights(self) -> Floats:
        """(directions, functions, coefficients): what makes the functions' weights."""
        best = self.directions.shares @ self.directions.plane
        count, width, pairs = *best.shape, self._pairs
        weights = np.zeros((count, 3 + len(pairs) + width, 2 + len(pairs)))
        weights[:, 0, 0] = weights[:, 1, 1] = 1
        for k, (i, j) in enumerate(pairs):
            factor = -0.5 if i == j else -1.0
            weights[:, 2 + k, 2 + k] = factor
            weights[:, 2 + len(pairs) + i, 2 + k] -= factor * best[:, j]
            weights[:, 2 + len(pairs) + j, 2 + k] -= factor * best[:, i]
            weights[:, -1, 2 + k] = factor * best[:, i] * best[:, j]
        return weights

    def prior(self, curvature: float) -> tuple[Floats, Floats]:
        """Mean and standard deviation of each coefficient, in σ."""
        alike = np.array([i == j for i, j in self._pairs])
        bends = np.where(alike, _BENDS[0], _BENDS[1]) * curvature
        mean = np.concatenate([[0.0, _COST[0]], np.where(alike, curvature, 0.0)])
        return mean, np.concatenate([[_LEVEL, _COST[1]], bends])

    @property
    def _pairs(self) -> list[tuple[int, int]]:
        return list(combinations_with_replacement(range(self.directions.plane.shape[1]), 2))


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """One point of the lattice of what the surface is like."""

    deviation: float
    curvature: float
    roughness: float
    saturation: float

    @property
    def size(self) -> float:
        """The variance of g, in σ²."""
        return (self.roughness * self.curvature) ** 2


def similarity(a: Places, b: Places, plane: Floats) -> Floats:
    """(a, b) covariances of g, for a variance of 1 at one unit of φ.

    Like the loss, g grows in proportion to the units of φ, and is 0 at the baseline.
    """
    (at_a, total_a), (at_b, total_b) = _directed(a, plane), _directed(b, plane)
    apart = ((at_a[:, None] - at_b[None]) ** 2).sum(axis=2)
    alike: Floats = np.outer(total_a, total_b) * np.exp(-0.5 * apart / _LENGTH**2)
    return alike


def _directed(places: Places, plane: Floats) -> tuple[Floats, Floats]:
    """Where the directions of places lie on the plane, and how many units of φ they went."""
    total = np.maximum(places.growth.sum(axis=1), 0)
    return places.growth @ plane / np.maximum(total, _SMALLEST)[:, None], total


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The posterior given one point of hyperparameters, for all directions and noises."""

    hyper: Hyperparameters
    basis: Basis
    weights: Floats
    """(directions, functions, coefficients)."""
    inverse: Floats
    """(networks, networks) inverse of the covariance of the means, in σ²."""
    spread: Floats
    """(directions, coefficients, coefficients) covariance of the coefficients, in σ²."""
    pull: Floats
    """(directions, coefficients): what the accuracies add to the coefficients' mean, over 1/σ."""
    usual: Floats
    """(coefficients,): what the prior adds to it."""
    evidence: Floats
    """(directions, noises) logarithms, the prior of directions and of δ included."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What the trainings say: the posterior over directions, noises and hyperparameters."""

    directions: Directions
    seen: Seen
    level: float
    """The mean accuracy, from which m is counted."""
    fits: tuple[Fit, ...]
    probability: Floats
    """(fits, directions, noises), summing to 1."""

    @property
    def noise(self) -> float:
        """The posterior mean of σ."""
        return float(self.probability.sum(axis=(0, 1)) @ NOISES)

    @property
    def of_directions(self) -> Floats:
        """(directions,) probability that each is the best."""
        found: Floats = self.probability.sum(axis=(0, 2))
        return found


@one_blas_thread()
def fit_surface(
    seen: Seen, directions: Directions, saturations: Sequence[float] = SATURATIONS[1:2]
) -> Surface:
    """The posterior given these trainings; of none, the prior.

    λ is told by trainings at several costs alone: who needs no more than one cost gives one.
    """
    level = float(seen.means @ seen.counts / seen.counts.sum()) if len(seen.places) else 0.0
    alike = similarity(seen.places, seen.places, directions.plane)
    fits = [
        fit
        for saturation in saturations
        for fit in _fits(seen, level, Basis(directions, saturation), alike)
    ]
    logs = np.stack([fit.evidence for fit in fits])
    logs[..., min(seen.least, NOISES[-1]) > NOISES] = -np.inf
    probability = np.exp(logs - logs.max())
    return Surface(directions, seen, level, tuple(fits), probability / probability.sum())


def _fits(seen: Seen, level: float, basis: Basis, alike: Floats) -> Iterator[Fit]:
    """The fits of all hyperparameters with one λ.

    Their matrices are small and many: all of a kind are inverted in one call.
    """
    hypers = [
        Hyperparameters(deviation, curvature, roughness, basis.saturation)
        for deviation, roughness, curvature in product(DEVIATIONS, ROUGHNESS, CURVATURES)
    ]
    weights, around = basis.weights(), [(hyper.deviation, hyper.size) for hyper in hypers]
    # Without g, what accuracies say does not depend on the curvature.
    distinct = sorted(set(around))
    said = _said(seen, level, basis.functions(seen.places), weights, distinct, alike)
    which = [distinct.index(each) for each in around]
    mean, deviation = (
        np.stack(each) for each in zip(*(basis.prior(h.curvature) for h in hypers), strict=True)
    )
    usual, pull = mean / deviation**2, said.pull[which]
    assumed = np.eye(mean.shape[1]) * (deviation**-2.0)[:, None]
    information = said.information[which] + assumed[:, None]
    spread = _inverse(information)
    # −2 log likelihood = squares/σ² − 2 mixed/σ + constant, with y/σ ~ N(functions · weights, …).
    pulled = (spread @ pull[..., None])[..., 0]
    squares = np.maximum(said.squares[which][:, None] - (pull * pulled).sum(axis=2), 0)
    mixed = (pulled @ usual[..., None])[..., 0]
    told = (spread @ usual[:, None, :, None])[..., 0] @ usual[..., None]
    constant = (mean * usual).sum(axis=1)[:, None] - told[..., 0]
    volumes = np.linalg.slogdet(information)[1] + said.volume[which][:, None]
    volumes += 2 * np.log(deviation).sum(axis=1)[:, None]
    before = np.log([DEVIATIONS[hyper.deviation] for hyper in hypers])
    rest = before[:, None] + np.log(basis.directions.prior) - 0.5 * (constant + volumes)
    terms = np.stack([squares, mixed, rest], axis=2)
    evidence = terms @ np.stack([-0.5 / NOISES**2, 1 / NOISES, np.ones_like(NOISES)])
    evidence -= seen.counts.sum() * np.log(NOISES)
    for i, hyper in enumerate(hypers):
        inverse = said.inverse[which[i]]
        yield Fit(hyper, basis, weights, inverse, spread[i], pull[i], usual[i], evidence[i])


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What the accuracies say, given each of several covariances around the basis."""

    inverse: Floats
    """(covariances, networks, networks)."""
    information: Floats
    """(covariances, directions, coefficients, coefficients): of the coefficients."""
    pull: Floats
    """(covariances, directions, coefficients)."""
    squares: Floats
    """(covariances,): the accuracies' squares, weighed by the inverse; those around their means
    included."""
    volume: Floats
    """(covariances,): the logarithm of the determinant."""


def _said(
    seen: Seen,
    level: float,
    functions: Floats,
    weights: Floats,
    around: Sequence[tuple[float, float]],
    alike: Floats,
) -> _Said:
    """What accuracies say for each deviation of δ and variance of g, where `alike` are g's
    covariances for a variance of 1."""
    covariance = np.stack(
        [np.diag(1 / seen.counts + deviation**2) + size * alike for deviation, size in around]
    )
    inverse, values = _inverse(covariance), seen.means - level
    weighed = (functions.T @ inverse @ functions)[:, None] @ weights
    return _Said(
        inverse=inverse,
        information=weights.transpose(0, 2, 1) @ weighed,
        pull=np.einsum("kf,ufc->kuc", inverse @ values @ functions, weights),
        squares=inverse @ values @ values + seen.squares.sum(),
        volume=np.linalg.slogdet(covariance)[1],
    )


def _inverse(matrices: Floats) -> Floats:
    inverse: Floats = np.linalg.inv(matrices).astype(np.float64, copy=False)
    return inverse
