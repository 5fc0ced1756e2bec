"""Which of the networks tried to recommend, where measurements are noisy."""

from collections.abc import Sequence

import numpy as np
from optuna.trial import FrozenTrial

from nas.prediction.features import Encoding, Floats
from nas.prediction.gaussian_process import Prior
from nas.samplers.base import Problem
from nas.samplers.discrete import History
from nas.samplers.knowledge import Knowledge

_LEAST = 8
"""Trials under which a model says less than the measurements."""
_OWN = 0.5
"""How much of what the model cannot explain is taken to be the network's own, and not luck."""


def recommend(problem: Problem, trials: Sequence[FrozenTrial], prior: Prior | None = None) -> int:
    """The index, among the finished of `trials`, of the one whose reward is expected to be best.

    Of many noisy measurements the highest is a lucky one. The model weighs each against those of
    similar networks, and of what is left between the two grants a part to the network itself.
    For whatever sampler found the trials; `problem` has a reward. Raises ValueError where nothing
    is finished.
    """
    if problem.reward is None:
        raise ValueError("a front has no best network without a reward")
    history = History.of(trials, Encoding(problem.choices))
    if not len(history.rows):
        raise ValueError("no trial is finished")
    knowledge = Knowledge.of(problem)
    accuracies = history.accuracies
    if len(accuracies) >= _LEAST:
        expected, _ = knowledge.model(history, prior or Prior()).predict(history.rows)
        accuracies = _between(accuracies, expected)
    pairs = zip(accuracies.tolist(), knowledge.costs(history.rows).tolist(), strict=True)
    return int(np.argmax([problem.reward(accuracy, cost) for accuracy, cost in pairs]))


def _between(measured: Floats, expected: Floats) -> Floats:
    """(n,) accuracies; errors are averaged as logarithms, as they are modelled."""
    errors = [np.log(np.maximum(1 - accuracy, 1e-6)) for accuracy in (measured, expected)]
    between: Floats = 1 - np.exp(_OWN * errors[0] + (1 - _OWN) * errors[1])
    return between
