"""The search's own sampler: learns accuracy alone, since what a candidate costs is known.

A Gaussian process (see `nas.prediction.gaussian_process`) models the logarithm of the error. A
candidate's cost is exact and free, so what the candidate is expected to gain, in reward or in
hypervolume of the front, has a closed form; it is maximised by local search over the space itself,
within the limits. The first candidates are those that the process is least sure of before it has
seen anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from optuna.samplers import BaseSampler

from nas.defaults.conf import default
from nas.prediction.features import Floats, Rows
from nas.prediction.gaussian_process import Prior
from nas.samplers.acquisition import ParetoFront, log_expected_gain
from nas.samplers.base import Problem
from nas.samplers.discrete import DiscreteSampler, History
from nas.samplers.problem_model import AccuracyModel, ProblemModel
from search_spaces.errors import UserError

_SPREAD = 32
"""Random candidates, from the best of which local searches look for each initial one"""

_LEAST = 5
"""Trials that must be finished before the model is asked, though initial ones still run"""

_LEAST_WARM = 2
"""Trials that must be finished before the model is asked, where something was measured elsewhere"""

Merit = Callable[[Rows], Floats]
"""A function that gives (n, choices) candidates the (n,) values that are to be maximised"""


@dataclass(frozen=True, kw_only=True)
class CostAware:
    """The sampler's settings; the defaults were chosen on two tabular benchmarks."""

    initial: int = default("sampler/cost_aware", "initial")
    """Most informative candidates, which are tried before the model is asked; where something was
    measured elsewhere, two will do"""
    pool: int = 250
    """Random candidates that are looked at for each suggestion"""
    starts: int = 3
    """Local searches from the best of the pool, and as many from the best trials. Near a running
    trial nothing is left to gain, so each but the first adds one search of either kind."""
    steps: int = 40
    """The most steps of a local search"""
    neighbours: int = 200
    """The most neighbours of one candidate that are looked at in a step"""
    prior: Prior = field(default_factory=Prior)

    def __post_init__(self) -> None:
        for name in ("initial", "pool", "starts", "steps", "neighbours"):
            if getattr(self, name) < 1:
                raise UserError(f"{name}: expected at least 1, got {getattr(self, name)}")

    def make(self, problem: Problem, seed: int) -> BaseSampler:
        """A sampler for one objective or two."""
        return CostAwareSampler(self, problem, seed)


class CostAwareSampler(DiscreteSampler):
    """The sampler of `CostAware`, for a study whose trials carry the attribute `accuracy`."""

    def __init__(self, settings: CostAware, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self._settings = settings
        self._model = ProblemModel.of(problem)

    def allowed(self, row: Rows) -> bool:
        return row.tobytes() not in self._known and self._model.allowed(row)

    def suggest(self, history: History) -> Rows:
        if self._is_known_enough(history):
            return self._most_promising(history)
        return self._least_known(history)

    def _is_known_enough(self, history: History) -> bool:
        """Whether enough is finished for the model to be asked."""
        if self.problem.earlier:
            return len(history.rows) >= _LEAST_WARM
        initial = self._settings.initial
        return len(history.tried) >= initial and len(history.rows) >= min(_LEAST, initial)

    def _starts(self, history: History) -> int:
        return self._settings.starts + max(0, len(history.pending) - 1)

    def _least_known(self, history: History) -> Rows:
        """The candidate whose accuracy is least certain given which others were tried.

        Such candidates are far from each other, and of extreme choices: they tell most of the
        slopes of the model's trends.
        """
        uncertainty = self._model.uncertainty(history.tried, self._settings.prior)
        return self._best(uncertainty, np.array(self.random(_SPREAD)), [], self._starts(history))

    def _most_promising(self, history: History) -> Rows:
        """The candidate of highest expected gain that local searches find."""
        model, tried, starts = self._model, history.tried, self._starts(history)
        gains = _Gains(model, model.accuracy_model(history, self._settings.prior), tried)
        around = list(tried[gains.best_tried(starts)])
        return self._best(gains, model.pool(self._settings.pool), around, starts)

    def _best(self, merit: Merit, rows: Rows, around: list[Rows], starts: int) -> Rows:
        """The best end of local searches from the best of `rows`, and from `around`."""
        found = self._top(merit, rows, starts)
        best = found[0] if found else None
        around = [row for _, row in found] + around
        for _ in range(self._settings.steps):
            found = self._top(merit, self._neighbours(around), starts) if around else []
            if not found or (best and found[0][0] <= best[0]):
                break
            best = found[0]
            around = [row for _, row in found]
        return best[1] if best else self.random()[0]

    def _top(self, merit: Merit, rows: Rows, count: int) -> list[tuple[float, Rows]]:
        """The best few of `rows` that are allowed, with their merits, best first."""
        merits = merit(rows)
        top: list[tuple[float, Rows]] = []
        for index in np.argsort(-merits, kind="stable"):
            if self.allowed(rows[index]):
                top.append((float(merits[index]), rows[index]))
            if len(top) == count:
                break
        return top

    def _neighbours(self, rows: Sequence[Rows]) -> Rows:
        encoding, most = self._model.encoding, self._settings.neighbours
        return np.unique(
            np.vstack([encoding.neighbours(row, self.rng, most) for row in rows]), axis=0
        )


class _Gains:
    """The logarithm of the expected gain of candidates."""

    def __init__(self, model: ProblemModel, accuracy: AccuracyModel, tried: Rows) -> None:
        self._model = model
        self._accuracy = accuracy
        self._has_reward = model.problem.reward is not None
        if self._has_reward:
            merits, _ = accuracy.rewards(tried)
            self._best = float(merits.max())
        else:
            accuracies, _ = accuracy.predict(tried)
            costs = model.costs(tried)
            dearest = 1.1 * max(costs.max(), model.costs(model.pool(_SPREAD)).max())
            self._front = ParetoFront.of(accuracies, costs, dearest)
            merits = self._front.height(accuracies, costs)
        self._merits = merits

    def __call__(self, rows: Rows) -> Floats:
        """The logarithms for (n, choices) candidates; (n,)."""
        if self._has_reward:
            return log_expected_gain(*self._accuracy.rewards(rows), self._best)
        gains = self._front.expected_gain(*self._accuracy.predict(rows), self._model.costs(rows))
        return np.log(np.maximum(gains, 1e-300))

    def best_tried(self, count: int) -> NDArray[np.intp]:
        """Indices of the trials to search around: the best few by reward, or the whole front."""
        if not self._has_reward:
            count = max(count, int((self._merits == 0).sum()))
        return np.argsort(-self._merits, kind="stable")[:count]
