"""Local search with restarts: strong where candidates are few, or one choice matters at a time."""

from dataclasses import dataclass

import numpy as np
from optuna.samplers import BaseSampler

from nas.prediction.features import Rows
from nas.samplers.base import Problem
from nas.samplers.discrete import DiscreteSampler, History, one_objective


@dataclass(frozen=True, kw_only=True)
class Local:
    """The climb from a random candidate to the first better neighbour, until there is none."""

    neighbours: int = 1000
    """Neighbours of a candidate that are looked at before the search starts anew"""

    def make(self, problem: Problem, seed: int) -> BaseSampler:
        """A sampler of local search. Raises UserError for two objectives."""
        one_objective(problem, "local")
        return _Local(self, problem, seed)


class _Local(DiscreteSampler):
    def __init__(self, settings: Local, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self._settings = settings

    def suggest(self, history: History) -> Rows:
        if not len(history.rows):
            return self.random()[0]
        current = _current(history)
        around = self.encoding.neighbours(current, self.rng, self._settings.neighbours)
        better = self.first_allowed(around[self.rng.permutation(len(around))])
        return self.random()[0] if better is None else better


def _current(history: History) -> Rows:
    """The best candidate of the climb that is under way.

    The climbs are read from the trials: a trial that is a neighbour of none of the climb's steps
    began another climb. (With several workers a neighbour of an earlier step may come in late.)
    """
    steps: list[Rows] = []
    best = -np.inf
    for row, reward in zip(history.rows, history.values, strict=True):
        if not any((row != step).sum() == 1 for step in steps):
            steps, best = [row], reward
        elif reward > best:
            steps.append(row)
            best = reward
    return steps[-1]
