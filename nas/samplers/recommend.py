"""Which of the networks tried to recommend, where measurements are noisy."""

from collections.abc import Sequence

import numpy as np
from optuna.trial import FrozenTrial

from nas.samplers.base import Problem
from nas.samplers.discrete import History
from nas.samplers.encoding import Encoding
from nas.samplers.gp import Prior
from nas.samplers.knowledge import Knowledge

_LEAST = 8
"""Trials under which a model says less than the measurements."""


def recommend(problem: Problem, trials: Sequence[FrozenTrial], prior: Prior | None = None) -> int:
    """The index, among the finished of `trials`, of the one whose reward is expected to be best.

    Of many noisy measurements the highest is a lucky one. The model weighs each against those of
    similar networks; without noise it agrees with the measurements. For whatever sampler found
    the trials; `problem` has a reward. Raises ValueError where nothing is finished.
    """
    history = History.of(trials, Encoding(problem.choices))
    if not len(history.rows):
        raise ValueError("no trial is finished")
    if problem.reward is None:
        raise ValueError("a front has no best network without a reward")
    if len(history.rows) < _LEAST:
        costs = Knowledge.of(problem).costs(history.rows)
        pairs = zip(history.accuracies.tolist(), costs.tolist(), strict=True)
        rewards = [problem.reward(accuracy, cost) for accuracy, cost in pairs]
        return int(np.argmax(rewards))
    expected, _ = Knowledge.of(problem).model(history, prior or Prior()).rewards(history.rows)
    return int(np.argmax(expected))
