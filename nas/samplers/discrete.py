"""What our own samplers share: they suggest whole candidates, as rows of positions."""

import abc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nas.prediction.features import Encoding, Floats, Rows
from nas.samplers.base import Problem, distributions
from search_spaces.errors import UserError

_TRIES = 2000
"""Random candidates that are looked at in search of one within the limits"""


@dataclass(frozen=True, slots=True)
class History:
    """The trials of a study that matter, as arrays, in the order of their numbers."""

    rows: Rows
    """(n, choices) candidates of the finished trials"""
    values: Floats
    """(n,) their rewards, or (n, 2) their accuracies and costs"""
    accuracies: Floats
    """(n,) their accuracies; NaN where a trial does not say"""
    pending: Rows
    """(p, choices) candidates of the running trials"""
    known: Rows
    """(k, choices) candidates of all trials, of those that failed or were pruned too"""

    @classmethod
    def of(
        cls, trials: Sequence[FrozenTrial], encoding: Encoding, without: int | None = None
    ) -> "History":
        """The history that these trials make, the one of number `without` left out."""
        names = {choice.name for choice in encoding.choices}
        whole = [t for t in trials if t.number != without and names <= t.params.keys()]
        rows = encoding.rows(trial.params for trial in whole)
        finished = [t for t in whole if t.state == TrialState.COMPLETE]
        two = any(len(trial.values) > 1 for trial in finished)
        accuracies = [t.values[0] if two else t.user_attrs.get("accuracy") for t in finished]
        return cls(
            rows[_are(TrialState.COMPLETE, whole)],
            np.array([t.values if two else t.values[0] for t in finished], dtype=np.float64),
            np.array(accuracies, dtype=np.float64),
            rows[_are(TrialState.RUNNING, whole)],
            rows,
        )

    @property
    def tried(self) -> Rows:
        """Candidates of the finished and the running trials; (n + p, choices)."""
        return np.vstack([self.rows, self.pending])


def _are(state: TrialState, trials: Sequence[FrozenTrial]) -> NDArray[np.bool_]:
    return np.array([trial.state == state for trial in trials], dtype=bool)


class DiscreteSampler(BaseSampler):
    """An Optuna sampler over the choices of a problem; a subclass needs `suggest` alone."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem = problem
        self.encoding = Encoding(problem.choices)
        self.rng = np.random.default_rng(seed)
        self._distributions = distributions(problem.choices)
        self._others = RandomSampler(seed)
        self._known: set[bytes] = set()

    @abc.abstractmethod
    def suggest(self, history: History) -> Rows:
        """The next candidate, (choices,): one that is allowed, if there is any."""

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return dict(self._distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        directions = [direction.name.lower() for direction in study.directions]
        expected = ["maximize"] if self.problem.reward else ["maximize", "minimize"]
        if directions != expected:
            raise UserError(f"study: expected directions {expected}, got {directions}")
        trials = study.get_trials(deepcopy=False)
        history = History.of(trials, self.encoding, trial.number)
        self._known = {row.tobytes() for row in history.known}
        params = self.encoding.params(self.suggest(history))
        return {name: params[name] for name in search_space}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """An option drawn at random, for a parameter that is none of the problem's choices."""
        return self._others.sample_independent(study, trial, param_name, param_distribution)

    def allowed(self, row: Rows) -> bool:
        """Whether a candidate is within the limits and new."""
        return row.tobytes() not in self._known and self.problem.allowed(self.encoding.params(row))

    def first_allowed(self, rows: Iterable[Rows]) -> Rows | None:
        """The first of these candidates that is allowed."""
        return next(filter(self.allowed, rows), None)

    def random(self, count: int = 1) -> list[Rows]:
        """Up to `count` random candidates that are allowed; if none of many is, one that is not."""
        drawn = list(self.encoding.random(self.rng, _TRIES))
        found: dict[bytes, Rows] = {}
        refused: set[bytes] = set()
        for row in drawn:
            if len(found) == count:
                break
            key = row.tobytes()
            if key in refused:
                continue
            if self.allowed(row):
                found[key] = row
            else:
                refused.add(key)
        return list(found.values()) or drawn[:1]


def one_objective(problem: Problem, sampler: str) -> None:
    """Raises UserError for a problem of two objectives."""
    if problem.reward is None:
        raise UserError(f"sampler {sampler}: is for one objective; reward=front has two")
