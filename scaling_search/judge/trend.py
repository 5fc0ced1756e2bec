"""Accuracy as a smooth function of a rule's dimensions, fitted to all trainings at once.

Rounding and noise blur single candidates; a surface through all of them says which way to grow, how
sure that is, and where it is no more than an extrapolation.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import BayesianRidge

from nas.trainings.record import TrainingRecord
from scaling_search.rule.compound import COMPOUND
from scaling_search.rule.rule import Constants, Multipliers, Rule
from search_spaces.arch import Arch
from search_spaces.errors import UserError

_DRAWS = 1000
_STEPS = 60
"""Steps in which the growth of cost is shared among the dimensions, at most."""
_MOST_SHARES = 1900
"""Ways to share it: with four dimensions and more, fewer steps are taken to have no more."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One training of a network grown from a baseline."""

    grown: Multipliers
    """What was realised, not what was asked for."""
    accuracy: float


@dataclass(frozen=True, slots=True)
class Direction:
    """The way to grow that the surface predicts to be best for a given cost."""

    constants: Constants
    """The constants for one unit of φ, which costs `ratio`."""
    low: Constants
    """2.5 % quantile of each of them, over surfaces the trainings allow."""
    high: Constants
    """97.5 % quantile of each."""
    phi: float
    """Where it was sought: at ratio^φ times the baseline's cost."""
    accuracy: float
    stderr: float
    extrapolates: bool
    """Whether the network at φ lies outside of what was trained."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A quadratic in the logarithms of a rule's dimensions, with its uncertainty.

    Coefficients have a common Gaussian prior, whose width the trainings decide (MacKay, Neural
    Computation 4, 1992).
    """

    rule: Rule
    model: BayesianRidge
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    trained: NDArray[np.float64]
    """Logarithms of what was trained: networks × dimensions."""
    noise: float
    """Standard deviation of one training around the surface."""

    def predict(self, grown: Multipliers) -> tuple[float, float]:
        """Expected accuracy, and its standard error, leaving out a single training's noise."""
        features = self._features(_logs(grown)[None, :])
        mean, total = self.model.predict(features, return_std=True)
        return float(mean[0]), float(np.sqrt(max(total[0] ** 2 - self.noise**2, 0.0)))

    def best_direction(self, phi: float, ratio: float = 2.0) -> Direction:
        """Constants that cost `ratio`, each at least 1, of the highest accuracy at `phi`."""
        shares = _shares(len(self.rule.dimensions))
        logs = shares * phi * np.log(ratio) / np.array([each.exponent for each in self.rule])
        features = self._features(logs)
        best = int(self.model.predict(features).argmax())
        draws = np.random.default_rng(0).multivariate_normal(
            self.model.coef_, self.model.sigma_, _DRAWS
        )
        chosen = logs[(features @ draws.T).argmax(axis=0)] / phi
        low, high = np.quantile(chosen, [0.025, 0.975], axis=0)
        grown = Multipliers(self.rule, tuple(np.exp(logs[best]).tolist()))
        accuracy, stderr = self.predict(grown)
        return Direction(
            constants=self._constants(logs[best] / phi),
            low=self._constants(low),
            high=self._constants(high),
            phi=phi,
            accuracy=accuracy,
            stderr=stderr,
            extrapolates=self.extrapolates(grown),
        )

    def extrapolates(self, grown: Multipliers) -> bool:
        """Whether it lies further from what was trained than any of that lies from the rest.

        Distance is Mahalanobis', from the mean of what was trained.
        """
        mean, ridge = self.trained.mean(axis=0), 1e-9 * np.eye(len(self.rule.dimensions))
        spread = np.atleast_2d(np.cov(self.trained.T)) + ridge
        inverse = np.linalg.inv(spread)

        def distance(point: NDArray[np.float64]) -> float:
            return float((point - mean) @ inverse @ (point - mean))

        return distance(_logs(grown)) > max(map(distance, self.trained)) + 1e-9

    def _features(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        features: NDArray[np.float64] = (_quadratic(logs) - self.centre) / self.scale
        return features

    def _constants(self, logs: NDArray[np.float64]) -> Constants:
        return Constants(self.rule, tuple(np.exp(np.maximum(logs, 0.0)).round(6).tolist()))


def fewest(rule: Rule = COMPOUND) -> int:
    """Different networks below which no surface is fitted: two more than it has coefficients."""
    dimensions = len(rule.dimensions)
    return 1 + dimensions + dimensions * (dimensions + 1) // 2 + 2


def fit_trend(observations: Iterable[Observation], rule: Rule = COMPOUND) -> Trend:
    """A surface through all trainings. Raises UserError for fewer than `fewest` networks."""
    seen = list(observations)
    logs = np.array([_logs(each.grown) for each in seen]).reshape(-1, len(rule.dimensions))
    different = np.unique(logs.round(9), axis=0)
    if len(different) < fewest(rule):
        raise UserError(
            f"a surface needs at least {fewest(rule)} different networks, there are "
            f"{len(different)}"
        )
    features = _quadratic(logs)
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-12
    model = BayesianRidge(max_iter=1000)
    model.fit((features - centre) / scale, np.array([each.accuracy for each in seen]))
    return Trend(rule, model, centre, scale, different, float(1 / np.sqrt(model.alpha_)))


def origin(baseline: Arch) -> dict[str, str]:
    """The label of a training's record that says which baseline the network was grown from."""
    return {"baseline": baseline.key()}


def observations(
    records: Iterable[TrainingRecord], baseline: Arch, rule: Rule = COMPOUND
) -> list[Observation]:
    """The finished trainings of networks grown from `baseline`, of whatever sweep or ablation."""
    key = baseline.key()
    return [
        Observation(rule.realised(record.arch, baseline), record.accuracy)
        for record in records
        if record.accuracy is not None and record.labels.get("baseline") == key
    ]


def _logs(grown: Multipliers) -> NDArray[np.float64]:
    return np.log(grown.values)


def _quadratic(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithms, their squares, and the product of each two."""
    linear = list(logs.T)
    products = [a * b for a, b in combinations(linear, 2)]
    return np.stack([*linear, *(each * each for each in linear), *products], axis=1)


def _shares(dimensions: int) -> NDArray[np.float64]:
    """All ways to share the growth of cost among the dimensions, in equal steps."""

    def ways(steps: int) -> int:
        return math.comb(steps + dimensions - 1, dimensions - 1)

    steps = max(steps for steps in range(1, _STEPS + 1) if ways(steps) <= _MOST_SHARES)
    return np.array(list(_compositions(steps, dimensions))) / steps


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to write `total` as so many numbers of at least 0, ascending."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        yield from ((first, *rest) for rest in _compositions(total - first, parts - 1))
