"""What the cost-aware sampler knows: prices, refusals, and a model of accuracy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nas.prediction.features import Encoding, Floats, Rows
from nas.prediction.gaussian_process import Kernel, Posterior, Prior, condition, fit, unfitted
from nas.samplers.base import Problem
from nas.samplers.discrete import History
from search_spaces.choices import Params

_SMALLEST_ERROR = 1e-3
_GROWTH = 1.2
"""A kernel serves until there are so many times the trials that it was fitted to."""
_EARLIER_MOST = 300
"""Of a source of earlier measurements, evenly spread over it, that are learnt from."""
_TYPICAL = 250
"""Random candidates by which costs are scaled before any is tried."""
_FITTED_MOST = 400
"""Trials that a kernel is fitted to at most; all are conditioned on."""


class Knowledge:
    """What follows from the problem and the study alone, kept because it takes time to compute."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.encoding = Encoding(problem.choices)
        self._facts: dict[bytes, tuple[float, ...]] = {}
        self._pools: dict[int, Rows] = {}
        self._refused: set[bytes] = set()
        self._kernels: dict[bytes, Kernel] = {}
        self._earlier: list[Posterior] | None = None

    @classmethod
    def of(cls, problem: Problem) -> "Knowledge":
        """That of earlier suggestions for the same problem, if there were any."""
        known = problem.memo.setdefault(cls.__qualname__, cls(problem))
        assert isinstance(known, cls)
        return known

    def pool(self, count: int) -> Rows:
        """Random candidates, always the same: so they are priced once."""
        if count not in self._pools:
            drawn = self.encoding.random(np.random.default_rng(count), count)
            self._pools[count] = np.unique(drawn, axis=0)
        return self._pools[count]

    def costs(self, rows: Rows) -> Floats:
        """(n,) exact costs."""
        return self.facts(rows)[:, 0]

    def facts(self, rows: Rows) -> Floats:
        """(n, facts): exact costs, and after them what else is known of the candidates."""
        of = [self._facts_of(row) for row in rows]
        return np.array(of, dtype=np.float64) if of else np.empty((0, self._fact_count()))

    def _facts_of(self, row: Rows) -> tuple[float, ...]:
        key = row.tobytes()
        if key not in self._facts:
            params = self.encoding.params(row)
            facts = self.problem.facts
            self._facts[key] = facts(params) if facts else (self.problem.cost(params),)
        return self._facts[key]

    def _fact_count(self) -> int:
        return len(self._facts_of(self.pool(_TYPICAL)[0]))

    def allowed(self, row: Rows) -> bool:
        """What was once refused stays refused: limits are fixed, and tried is tried."""
        key = row.tobytes()
        if key not in self._refused and not self.problem.allowed(self.encoding.params(row)):
            self._refused.add(key)
        return key not in self._refused

    def model(self, history: History, prior: Prior) -> "AccuracyModel":
        """Of accuracy, given at least one finished trial. A trial that runs counts as finished
        with what is expected of it: so the next ones look elsewhere.

        Raises ValueError where a finished one does not say how accurate it is.
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

    def doubt(self, tried: Rows, prior: Prior) -> Callable[[Rows], Floats]:
        """The standard deviation of candidates' values given that `tried` will be measured; needs
        no measurement.

        Of facts it goes by the cost alone: with the others, the first candidates are worse ones to
        learn from.
        """

        def inputs(rows: Rows) -> tuple[Floats, Floats]:
            features, facts = self._own(rows)
            return features, np.hstack([facts[:, :1], self._expected(rows)])

        features, known = inputs(tried)
        kernel = unfitted(inputs(self.pool(_TYPICAL))[1], features.shape[1], prior)
        posterior = condition(kernel, features, known, np.zeros(len(tried)))
        return lambda rows: posterior.predict(*inputs(rows))[1]

    def inputs(self, rows: Rows) -> tuple[Floats, Floats]:
        """(n, features) of the choices, and (n, known) what accuracy may go by beside them.

        Logarithms of the facts, and of the errors that models of earlier measurements expect: how
        far those are to be trusted is learnt with all else, as the slope of a trend.
        """
        features, facts = self._own(rows)
        return features, np.hstack([facts, self._expected(rows)])

    def _own(self, rows: Rows) -> tuple[Floats, Floats]:
        """The same without what is expected by earlier measurements."""
        return self.encoding.features(rows), np.log(self.facts(rows))

    def _expected(self, rows: Rows) -> Floats:
        """(n, sources) logarithms of errors by the models of earlier measurements."""
        if self._earlier is None:
            self._earlier = [self._model_of(source) for source in self.problem.earlier]
        if not self._earlier:
            return np.empty((len(rows), 0))
        own = self._own(rows)
        return np.stack([model.predict(*own)[0] for model in self._earlier], axis=1)

    def _model_of(self, source: Sequence[tuple[Params, float]]) -> Posterior:
        some = source[:: -(-len(source) // _EARLIER_MOST)]
        rows = self.encoding.rows(params for params, _ in some)
        own = self._own(rows)
        errors = _log_error(np.array([accuracy for _, accuracy in some]))
        return condition(fit(*own, errors, Prior()), *own, errors)

    def _kernel(self, features: Floats, known: Floats, values: Floats, prior: Prior) -> Kernel:
        count = 2
        while count < len(values) and max(count + 1, int(count * _GROWTH)) <= len(values):
            count = max(count + 1, int(count * _GROWTH))
        count = min(count, len(values), _FITTED_MOST)
        key = repr(prior).encode() + features[:count].tobytes() + values[:count].tobytes()
        if key not in self._kernels:
            self._kernels[key] = fit(features[:count], known[:count], values[:count], prior)
        return self._kernels[key]


@dataclass(frozen=True, slots=True)
class AccuracyModel:
    """What is believed of the accuracy of any candidate."""

    knowledge: Knowledge
    posterior: Posterior

    def predict(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation of accuracy, noise of measurement apart; (n,) each."""
        mean, deviation = self.posterior.predict(*self.knowledge.inputs(rows))
        return 1 - np.exp(mean), deviation * np.exp(mean)

    def rewards(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the reward; (n,) each."""
        reward = self.knowledge.problem.reward
        assert reward is not None
        costs = self.knowledge.costs(rows)
        means, deviations = self.predict(rows)
        at = list(zip(means.tolist(), deviations.tolist(), costs.tolist(), strict=True))
        middle = np.array([reward(mean, cost) for mean, _, cost in at])
        above = np.array([reward(mean + deviation, cost) for mean, deviation, cost in at])
        return middle, np.maximum(above - middle, 1e-12)


def _log_error(accuracies: Floats) -> Floats:
    errors: Floats = np.log(np.maximum(1 - accuracies, _SMALLEST_ERROR))
    return errors
