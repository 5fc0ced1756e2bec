"""What a model-based sampler knows of a problem: exact costs, refusals, and a model of accuracy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nas.prediction.features import Encoding, Floats, Rows
from nas.prediction.gaussian_process import Kernel, Posterior, Prior, condition, fit, unfitted
from nas.samplers.base import Problem
from nas.samplers.discrete import History

if TYPE_CHECKING:
    from search_spaces.space import Params

_SMALLEST_ERROR = 1e-3
_GROWTH = 1.2
"""A kernel is fitted anew when there are this many times the trials that it was fitted to."""
_EARLIER_MOST = 300
"""The most candidates of an earlier source that are learnt from; they are spread evenly over it."""
_TYPICAL = 250
"""Random candidates whose covariates are scaled by before any trial is finished"""
_FITTED_MOST = 400
"""The most trials that a kernel is fitted to; predictions are conditioned on all of them."""


class ProblemModel:
    """What follows from the problem and the study alone, kept because it takes time to compute."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.encoding = Encoding(problem.choices)
        self._covariates: dict[bytes, tuple[float, ...]] = {}
        self._pools: dict[int, Rows] = {}
        self._refused: set[bytes] = set()
        self._kernels: dict[bytes, Kernel] = {}
        self._earlier: list[Posterior] | None = None

    @classmethod
    def of(cls, problem: Problem) -> "ProblemModel":
        """The one that earlier suggestions for the problem made and used, or else a new one."""
        kept = problem.memo.setdefault(cls.__qualname__, cls(problem))
        assert isinstance(kept, cls)
        return kept

    def pool(self, count: int) -> Rows:
        """Random candidates; they are always the same, so that each is decoded once."""
        if count not in self._pools:
            drawn = self.encoding.random(np.random.default_rng(count), count)
            self._pools[count] = np.unique(drawn, axis=0)
        return self._pools[count]

    def costs(self, rows: Rows) -> Floats:
        """The exact costs of candidates; (n,)."""
        return self.covariates(rows)[:, 0]

    def covariates(self, rows: Rows) -> Floats:
        """The exact costs of candidates, and the problem's other covariates; (n, covariates)."""
        values = [self._covariates_of(row) for row in rows]
        if not values:
            return np.empty((0, len(self._covariates_of(self.pool(_TYPICAL)[0]))))
        return np.array(values, dtype=np.float64)

    def _covariates_of(self, row: Rows) -> tuple[float, ...]:
        key = row.tobytes()
        if key not in self._covariates:
            params = self.encoding.params(row)
            covariates = self.problem.covariates
            values = covariates(params) if covariates else (self.problem.cost(params),)
            self._covariates[key] = values
        return self._covariates[key]

    def allowed(self, row: Rows) -> bool:
        """Whether the problem allows a candidate; refusals are remembered, for they are final."""
        key = row.tobytes()
        if key not in self._refused and not self.problem.allowed(self.encoding.params(row)):
            self._refused.add(key)
        return key not in self._refused

    def accuracy_model(self, history: History, prior: Prior) -> "AccuracyModel":
        """A model of accuracy, given at least one finished trial.

        A running trial counts as finished with the accuracy that is expected of it, so that the
        next suggestions look elsewhere. Raises ValueError where a finished trial does not say how
        accurate it is.
        """
        if np.isnan(history.accuracies).any():
            raise ValueError("a finished trial has no user attribute 'accuracy'")
        inputs = self.inputs(history.rows)
        errors = _log_error(history.accuracies)
        kernel = self._kernel(*inputs, errors, prior)
        posterior = condition(kernel, *inputs, errors)
        if len(history.pending):
            expected, _ = posterior.predict(*self.inputs(history.pending))
            inputs = self.inputs(history.tried)
            posterior = condition(kernel, *inputs, np.concatenate([errors, expected]))
        return AccuracyModel(self, posterior)

    def uncertainty(self, tried: Rows, prior: Prior) -> Callable[[Rows], Floats]:
        """The standard deviation of candidates' values once `tried` will have been measured.

        It depends on no measurement. The cost is the only covariate here: with the others, the
        first candidates are worse ones to learn from.
        """

        def inputs(rows: Rows) -> tuple[Floats, Floats]:
            features, covariates = self._own_inputs(rows)
            return features, np.hstack([covariates[:, :1], self._expected_by_earlier(rows)])

        features, covariates = inputs(tried)
        kernel = unfitted(inputs(self.pool(_TYPICAL))[1], features.shape[1], prior)
        posterior = condition(kernel, features, covariates, np.zeros(len(tried)))
        return lambda rows: posterior.predict(*inputs(rows))[1]

    def inputs(self, rows: Rows) -> tuple[Floats, Floats]:
        """The features of candidates, (n, features), and the model's covariates, (n, covariates).

        These are the logarithms of the problem's covariates, and of the errors that models of
        earlier measurements expect. How far those can be trusted is learnt with all else, as the
        slope of a trend.
        """
        features, covariates = self._own_inputs(rows)
        return features, np.hstack([covariates, self._expected_by_earlier(rows)])

    def _own_inputs(self, rows: Rows) -> tuple[Floats, Floats]:
        """Features, and covariates without those that come from earlier measurements."""
        return self.encoding.features(rows), np.log(self.covariates(rows))

    def _expected_by_earlier(self, rows: Rows) -> Floats:
        """The logarithms of errors that the model of each earlier source expects; (n, sources)."""
        if self._earlier is None:
            self._earlier = [self._model_of(source) for source in self.problem.earlier]
        if not self._earlier:
            return np.empty((len(rows), 0))
        own = self._own_inputs(rows)
        return np.stack([model.predict(*own)[0] for model in self._earlier], axis=1)

    def _model_of(self, source: "Sequence[tuple[Params, float]]") -> Posterior:
        some = source[:: -(-len(source) // _EARLIER_MOST)]
        rows = self.encoding.rows(params for params, _ in some)
        own = self._own_inputs(rows)
        errors = _log_error(np.array([accuracy for _, accuracy in some]))
        return condition(fit(*own, errors, Prior()), *own, errors)

    def _kernel(self, features: Floats, covariates: Floats, values: Floats, prior: Prior) -> Kernel:
        count = 2
        while count < len(values) and max(count + 1, int(count * _GROWTH)) <= len(values):
            count = max(count + 1, int(count * _GROWTH))
        count = min(count, len(values), _FITTED_MOST)
        key = repr(prior).encode() + features[:count].tobytes() + values[:count].tobytes()
        if key not in self._kernels:
            self._kernels[key] = fit(features[:count], covariates[:count], values[:count], prior)
        return self._kernels[key]


@dataclass(frozen=True, slots=True)
class AccuracyModel:
    """The accuracy that is expected of any candidate."""

    problem_model: ProblemModel
    posterior: Posterior

    def predict(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation of accuracy without measurement noise; (n,) each."""
        mean, deviation = self.posterior.predict(*self.problem_model.inputs(rows))
        return 1 - np.exp(mean), deviation * np.exp(mean)

    def rewards(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the reward; (n,) each."""
        reward = self.problem_model.problem.reward
        assert reward is not None
        costs = self.problem_model.costs(rows)
        means, deviations = self.predict(rows)
        at = list(zip(means.tolist(), deviations.tolist(), costs.tolist(), strict=True))
        middle = np.array([reward(mean, cost) for mean, _, cost in at])
        above = np.array([reward(mean + deviation, cost) for mean, deviation, cost in at])
        return middle, np.maximum(above - middle, 1e-12)


def _log_error(accuracies: Floats) -> Floats:
    errors: Floats = np.log(np.maximum(1 - accuracies, _SMALLEST_ERROR))
    return errors
