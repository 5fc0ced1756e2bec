"""MnasNet's controller: a policy over the choices, trained by proximal policy optimisation.

As in MnasNet (arXiv 1807.11626, §4.3) batches of candidates are drawn from a policy, which PPO
(arXiv 1707.06347, eq. 7) then moves towards those of high reward. The policy is a softmax for each
choice, as in TuNAS (arXiv 2008.06120), instead of a recurrent network; an entropy bonus keeps it
from settling early, and a learnt value is the baseline of its advantages.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from optuna.samplers import BaseSampler

from nas.defaults.conf import default
from nas.prediction.features import Encoding, Floats, Rows
from nas.samplers.base import Problem
from nas.samplers.discrete import DiscreteSampler, History, one_objective
from search_spaces.errors import UserError

_DRAWS = 200
"""Candidates that are drawn from the policy in search of one that is allowed"""


@dataclass(frozen=True, kw_only=True)
class PPO:
    """Settings of the policy and its training."""

    batch: int = default("sampler/ppo", "batch")
    """Finished trials that make a batch, after which the policy is updated"""
    epochs: int = 10
    """Gradient steps for each batch"""
    rate: float = 0.15
    """Learning rate of the logits"""
    clip: float = 0.2
    """The most that one batch changes the probability of a candidate, as a ratio less 1"""
    entropy: float = 0.01
    """Weight of the entropy bonus of each choice"""
    momentum: float = 0.7
    """The share of the baseline, and of the scale of advantages, that stays from batch to batch"""

    def __post_init__(self) -> None:
        for name in ("batch", "epochs"):
            if getattr(self, name) < 1:
                raise UserError(f"{name}: expected at least 1, got {getattr(self, name)}")

    def make(self, problem: Problem, seed: int) -> BaseSampler:
        """A sampler that follows the policy. Raises UserError for two objectives."""
        one_objective(problem, "ppo")
        return _PPO(self, problem, seed)


class _PPO(DiscreteSampler):
    def __init__(self, settings: PPO, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self._settings = settings

    def suggest(self, history: History) -> Rows:
        chances = _softmax(_trained(self._settings, self.encoding, history))
        found = self.first_allowed(_draw(chances, self.rng) for _ in range(_DRAWS))
        if found is None:  # everything that the policy is likely to draw was tried
            likeliest = chances.argmax(axis=1)
            found = self.first_allowed(self.encoding.neighbours(likeliest, self.rng, _DRAWS))
        return self.random()[0] if found is None else found


def _trained(settings: PPO, encoding: Encoding, history: History) -> Floats:
    """The policy's logits after every whole batch; (choices, most options), −∞ for no option."""
    most = int(encoding.sizes.max(initial=1))
    there = np.arange(most) < encoding.sizes[:, None]
    logits: Floats = np.where(there, 0.0, -np.inf)
    value = spread = None
    for start in range(0, len(history.rows) - settings.batch + 1, settings.batch):
        rows = history.rows[start : start + settings.batch]
        rewards = history.values[start : start + settings.batch]
        keep = settings.momentum if value is not None else 0.0
        before = rewards.mean() if value is None else value
        spread = keep * (spread or 0.0) + (1 - keep) * float(np.abs(rewards - before).mean())
        logits = _moved(settings, logits, rows, (rewards - before) / max(spread, 1e-9))
        value = keep * before + (1 - keep) * rewards.mean()
    return logits


def _moved(settings: PPO, logits: Floats, rows: Rows, advantages: Floats) -> Floats:
    """The logits after a batch, by ascent on the clipped objective and the entropy."""
    old = _log_chance(logits, rows)
    taken = rows[:, :, None] == np.arange(logits.shape[1])
    for _ in range(settings.epochs):
        chances = _softmax(logits)
        ratio = np.exp(_log_chance(logits, rows) - old)
        bound = np.where(advantages > 0, ratio < 1 + settings.clip, ratio > 1 - settings.clip)
        pull = (bound * ratio * advantages)[:, None, None] * (taken - chances)
        logs = np.log(np.maximum(chances, 1e-12))
        entropy = -(chances * logs).sum(axis=1, keepdims=True)
        gradient = pull.mean(axis=0) - settings.entropy * chances * (logs + entropy)
        logits = logits + settings.rate * np.sqrt(len(rows)) * gradient
    return logits


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: Floats = powers / powers.sum(axis=1, keepdims=True)
    return chances


def _log_chance(logits: Floats, rows: Rows) -> Floats:
    """The logarithm of the probability of each candidate; (n,)."""
    logs = np.log(np.maximum(_softmax(logits), 1e-12))
    chance: Floats = logs[np.arange(rows.shape[1]), rows].sum(axis=1)
    return chance


def _draw(chances: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    points = rng.random((len(chances), 1))
    drawn = (chances.cumsum(axis=1) < points).sum(axis=1)
    last = (chances > 0).sum(axis=1) - 1
    row: NDArray[np.int64] = np.minimum(drawn, last).astype(np.int64)
    return row
