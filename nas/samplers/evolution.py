"""Regularized evolution (Real et al. 2019, arXiv 1802.01548)."""

from dataclasses import dataclass

import numpy as np
from optuna.samplers import BaseSampler

from nas.defaults.conf import default
from nas.prediction.features import Rows
from nas.samplers.base import Problem
from nas.samplers.discrete import DiscreteSampler, History, one_objective
from search_spaces.errors import UserError

_MUTATIONS = 20
"""Children of one parent that are looked at before another parent is drawn; and parents that are
drawn before a random candidate is suggested"""


@dataclass(frozen=True, kw_only=True)
class Evolution:
    """The best of a few of the youngest becomes a parent; its child differs in one choice."""

    population: int = default("sampler/evolution", "population")
    """The youngest candidates; the first so many are random."""
    sample: int = default("sampler/evolution", "sample")
    """Members of the population that are drawn for each suggestion; the best becomes the parent."""

    def __post_init__(self) -> None:
        if not 1 <= self.sample <= self.population:
            raise UserError(
                f"sample: expected a number from 1 to the population, {self.population}, "
                f"got {self.sample}"
            )

    def make(self, problem: Problem, seed: int) -> BaseSampler:
        """A sampler of regularized evolution. Raises UserError for two objectives."""
        one_objective(problem, "evolution")
        return _Evolution(self, problem, seed)


class _Evolution(DiscreteSampler):
    def __init__(self, settings: Evolution, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self._settings = settings

    def suggest(self, history: History) -> Rows:
        population = self._settings.population
        if len(history.tried) < population or not len(history.rows):
            return self.random()[0]
        rows, rewards = history.rows[-population:], history.values[-population:]
        for _ in range(_MUTATIONS):
            drawn = self.rng.choice(len(rows), min(self._settings.sample, len(rows)), replace=False)
            parent = rows[drawn[np.argmax(rewards[drawn])]]
            child = self.first_allowed(self.encoding.neighbours(parent, self.rng, _MUTATIONS))
            if child is not None:
                return child
        return self.random()[0]
