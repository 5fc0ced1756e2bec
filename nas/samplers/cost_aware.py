"""The search's own sampler: learns accuracy alone, since what a candidate costs is known.

A Gaussian process (see `gp`) models the logarithm of the error. A candidate's cost is exact and
free, so what the candidate is expected to gain, in reward or in hypervolume of the front, has a
closed form; it is maximised by local search over the space itself, within the limits. The first
candidates are those that the process is least sure of before it has seen anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from optuna.samplers import BaseSampler

from nas.defaults.conf import default
from nas.prediction.features import Floats, Rows
from nas.prediction.gaussian_process import Prior
from nas.samplers.acquisition import Front, log_expected_gain
from nas.samplers.base import Problem
from nas.samplers.discrete import DiscreteSampler, History
from nas.samplers.knowledge import AccuracyModel, Knowledge
from search_spaces.errors import UserError

_SPREAD = 32
"""Random candidates from the best of which the first ones are looked for."""

_LEAST = 5
"""Finished trials before the model is asked, while others of the first run."""

_LEAST_WARM = 2
"""The same where something was measured elsewhere."""

Merit = Callable[[Rows], Floats]
"""(n,) of (n, choices) candidates: what is to be as high as possible."""


@dataclass(frozen=True, kw_only=True)
class CostAware:
    """The sampler's settings; the defaults were chosen on two tabular benchmarks."""

    initial: int = default("sampler/cost_aware", "initial")
    """Candidates that tell most, before the model is asked; where something was measured
    elsewhere, two will do."""
    pool: int = 250
    """Random candidates looked at for each suggestion."""
    starts: int = 3
    """Local searches from the best of the pool, and as many from the best trials; one more of each
    for every trial that runs but the first, near which nothing is left to gain."""
    steps: int = 40
    """Steps of the local searches at most."""
    neighbours: int = 200
    """Of one candidate, looked at in a step at most."""
    prior: Prior = field(default_factory=Prior)

    def __post_init__(self) -> None:
        for name in ("initial", "pool", "starts", "steps", "neighbours"):
            if getattr(self, name) < 1:
                raise UserError(f"{name}: expected at least 1, got {getattr(self, name)}")

    def make(self, problem: Problem, seed: int) -> BaseSampler:
        """For one objective or two."""
        return CostAwareSampler(self, problem, seed)


class CostAwareSampler(DiscreteSampler):
    """See CostAware. For any study of the problem's choices whose trials carry accuracies."""

    def __init__(self, settings: CostAware, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self._settings = settings
        self._knowledge = Knowledge.of(problem)

    def allowed(self, row: Rows) -> bool:
        return row.tobytes() not in self._known and self._knowledge.allowed(row)

    def suggest(self, history: History) -> Rows:
        if self._is_known_enough(history):
            return self._most_promising(history)
        return self._least_known(history)

    def _is_known_enough(self, history: History) -> bool:
        """For the model to be asked."""
        if self.problem.earlier:
            return len(history.rows) >= _LEAST_WARM
        initial = self._settings.initial
        return len(history.tried) >= initial and len(history.rows) >= min(_LEAST, initial)

    def _starts(self, history: History) -> int:
        return self._settings.starts + max(0, len(history.pending) - 1)

    def _least_known(self, history: History) -> Rows:
        """The candidate whose accuracy is least certain given those tried, whatever it was.

        Such candidates are far from each other, and of extreme choices: they tell most of the
        slopes of the model's trends.
        """
        doubt = self._knowledge.doubt(history.tried, self._settings.prior)
        return self._best(doubt, np.array(self.random(_SPREAD)), [], self._starts(history))

    def _most_promising(self, history: History) -> Rows:
        """The candidate of highest expected gain that local searches find."""
        knowledge, tried, starts = self._knowledge, history.tried, self._starts(history)
        gains = _Gains(knowledge, knowledge.model(history, self._settings.prior), tried)
        around = list(tried[gains.best_tried(starts)])
        return self._best(gains, knowledge.pool(self._settings.pool), around, starts)

    def _best(self, merit: Merit, rows: Rows, around: list[Rows], starts: int) -> Rows:
        """Where local searches from the best of `rows`, and from `around`, end."""
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
        encoding, most = self._knowledge.encoding, self._settings.neighbours
        return np.unique(
            np.vstack([encoding.neighbours(row, self.rng, most) for row in rows]), axis=0
        )


class _Gains:
    """The expected gain of candidates, as a logarithm."""

    def __init__(self, knowledge: Knowledge, model: AccuracyModel, tried: Rows) -> None:
        self._knowledge = knowledge
        self._model = model
        self._reward = knowledge.problem.reward is not None
        if self._reward:
            merits, _ = model.rewards(tried)
            self._best = float(merits.max())
        else:
            accuracies, _ = model.predict(tried)
            costs = knowledge.costs(tried)
            dearest = 1.1 * max(costs.max(), knowledge.costs(knowledge.pool(_SPREAD)).max())
            self._front = Front.of(accuracies, costs, dearest)
            merits = self._front.depth(accuracies, costs)
        self._merits = merits

    def __call__(self, rows: Rows) -> Floats:
        """(n,)"""
        if self._reward:
            return log_expected_gain(*self._model.rewards(rows), self._best)
        gains = self._front.expected_gain(*self._model.predict(rows), self._knowledge.costs(rows))
        return np.log(np.maximum(gains, 1e-300))

    def best_tried(self, count: int) -> NDArray[np.intp]:
        """Indices of what to look around: the best few for a reward, the whole front for two."""
        if not self._reward:
            count = max(count, int((self._merits == 0).sum()))
        return np.argsort(-self._merits, kind="stable")[:count]
