"""Accuracy as a smooth function of depth, width and resolution, fitted to all trainings at once.

Rounding and noise blur single candidates; a surface through all of them says which way to grow, how
sure that is, and where it is no more than an extrapolation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import BayesianRidge

from nas.trainings.record import TrainingRecord
from scaling_search.rule.compound import Constants, Multipliers
from search_spaces.arch import Arch
from search_spaces.errors import UserError

FEWEST = 12
"""Different networks below which no surface is fitted: it has ten coefficients."""
_DRAWS = 1000
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Observation:
    """One training of a network grown from a baseline."""

    grown: Multipliers
    """As realised: layers, channels and pixels over the baseline's."""
    accuracy: float


@dataclass(frozen=True, slots=True)
class Direction:
    """The way to grow that the surface predicts to be best for a given cost."""

    constants: Constants
    """α, β, γ for one unit of φ, which costs `ratio`."""
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
    """A quadratic in log depth, log width and log resolution, with its uncertainty.

    Coefficients have a common Gaussian prior, whose width the trainings decide (MacKay, Neural
    Computation 4, 1992).
    """

    model: BayesianRidge
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    trained: NDArray[np.float64]
    """Logarithms of what was trained: networks × (depth, width, resolution)."""
    noise: float
    """Standard deviation of one training around the surface."""

    def predict(self, grown: Multipliers) -> tuple[float, float]:
        """Expected accuracy, and its standard error, leaving out a single training's noise."""
        features = self._features(_logs(grown)[None, :])
        mean, total = self.model.predict(features, return_std=True)
        return float(mean[0]), float(np.sqrt(max(total[0] ** 2 - self.noise**2, 0.0)))

    def best_direction(self, phi: float, ratio: float = 2.0) -> Direction:
        """α, β, γ with α·β²·γ² = ratio, each at least 1, of the highest accuracy at `phi`."""
        shares = _shares()
        logs = shares * phi * np.log(ratio) / np.array([1, 2, 2])
        features = self._features(logs)
        best = int(self.model.predict(features).argmax())
        draws = np.random.default_rng(0).multivariate_normal(
            self.model.coef_, self.model.sigma_, _DRAWS
        )
        chosen = logs[(features @ draws.T).argmax(axis=0)] / phi
        low, high = np.quantile(chosen, [0.025, 0.975], axis=0)
        grown = Multipliers(*np.exp(logs[best]))
        accuracy, stderr = self.predict(grown)
        return Direction(
            constants=_constants(logs[best] / phi),
            low=_constants(low),
            high=_constants(high),
            phi=phi,
            accuracy=accuracy,
            stderr=stderr,
            extrapolates=self.extrapolates(grown),
        )

    def extrapolates(self, grown: Multipliers) -> bool:
        """Whether it lies further from what was trained than any of that lies from the rest.

        Distance is Mahalanobis', from the mean of what was trained.
        """
        mean, spread = self.trained.mean(axis=0), np.cov(self.trained.T) + 1e-9 * np.eye(3)
        inverse = np.linalg.inv(spread)

        def distance(point: NDArray[np.float64]) -> float:
            return float((point - mean) @ inverse @ (point - mean))

        return distance(_logs(grown)) > max(map(distance, self.trained)) + 1e-9

    def _features(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        features: NDArray[np.float64] = (_quadratic(logs) - self.centre) / self.scale
        return features


def fit_trend(observations: Iterable[Observation]) -> Trend:
    """A surface through all trainings. Raises UserError for fewer than 12 different networks."""
    seen = list(observations)
    logs = np.array([_logs(each.grown) for each in seen]).reshape(-1, 3)
    different = np.unique(logs.round(9), axis=0)
    if len(different) < FEWEST:
        raise UserError(
            f"a surface needs at least {FEWEST} different networks, there are {len(different)}"
        )
    features = _quadratic(logs)
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-12
    model = BayesianRidge(max_iter=1000)
    model.fit((features - centre) / scale, np.array([each.accuracy for each in seen]))
    return Trend(model, centre, scale, different, float(1 / np.sqrt(model.alpha_)))


def origin(baseline: Arch) -> dict[str, str]:
    """The label of a training's record that says which baseline the network was grown from."""
    return {"baseline": baseline.key()}


def observations(records: Iterable[TrainingRecord], baseline: Arch) -> list[Observation]:
    """The finished trainings of networks grown from `baseline`, of whatever sweep or ablation."""
    key = baseline.key()
    return [
        Observation(realised(record.arch, baseline), record.accuracy)
        for record in records
        if record.accuracy is not None and record.labels.get("baseline") == key
    ]


def realised(arch: Arch, baseline: Arch) -> Multipliers:
    """What `arch` was grown by as built: layers, channels (log mean) and pixels."""
    layers = [sum(stage.repeats for stage in each.stages) for each in (arch, baseline)]
    widths = [np.log([stage.channels for stage in each.stages]).mean() for each in (arch, baseline)]
    return Multipliers(
        layers[0] / layers[1],
        float(np.exp(widths[0] - widths[1])),
        arch.resolution / baseline.resolution,
    )


def _logs(grown: Multipliers) -> NDArray[np.float64]:
    return np.log([grown.depth, grown.width, grown.resolution])


def _quadratic(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    d, w, r = logs.T
    return np.stack([d, w, r, d * d, w * w, r * r, d * w, d * r, w * r], axis=1)


def _shares() -> NDArray[np.float64]:
    """All ways to share the growth of cost among the three dimensions, in steps of 1/60."""
    steps: Sequence[int] = range(_STEPS + 1)
    return np.array([(i, j, _STEPS - i - j) for i in steps for j in steps[: _STEPS + 1 - i]]) / (
        _STEPS
    )


def _constants(logs: NDArray[np.float64]) -> Constants:
    alpha, beta, gamma = np.exp(np.maximum(logs, 0.0)).round(6)
    return Constants(float(alpha), float(beta), float(gamma))
