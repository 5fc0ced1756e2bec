"""Which of the networks that were tried is the best, where measurements are noisy."""

from collections.abc import Sequence

import numpy as np
from optuna.trial import FrozenTrial

from nas.prediction.features import Encoding, Floats
from nas.prediction.gaussian_process import Prior
from nas.samplers.base import Problem
from nas.samplers.discrete import History
from nas.samplers.problem_model import ProblemModel

_LEAST = 8
"""Finished trials below which measurements are more to be trusted than a model of them"""
_OWN_SHARE = 0.5
"""The share of a residual of the model that is taken to be the network's own merit, and not luck"""


def recommend(problem: Problem, trials: Sequence[FrozenTrial], prior: Prior | None = None) -> int:
    """The index, among the finished of `trials`, of the one whose reward is expected to be best.

    Raises ValueError as `expected_rewards` does.
    """
    return int(np.argmax(expected_rewards(problem, trials, prior)))


def expected_rewards(
    problem: Problem, trials: Sequence[FrozenTrial], prior: Prior | None = None
) -> Floats:
    """The rewards that are expected of the (n,) finished of `trials`.

    Raises ValueError as `expected_accuracies` does, and for a problem without a reward.
    """
    if problem.reward is None:
        raise ValueError("a front has no best network without a reward")
    accuracies = expected_accuracies(problem, trials, prior)
    rows = History.of(trials, Encoding(problem.choices)).rows
    pairs = zip(accuracies.tolist(), ProblemModel.of(problem).costs(rows).tolist(), strict=True)
    return np.array([problem.reward(accuracy, cost) for accuracy, cost in pairs])


def expected_accuracies(
    problem: Problem, trials: Sequence[FrozenTrial], prior: Prior | None = None
) -> Floats:
    """The accuracies that are expected of the (n,) finished of `trials`.

    The highest of many noisy measurements is likely a lucky one. A model predicts each accuracy
    from those of similar networks, and a part of the difference between measurement and prediction
    is granted to the network itself. The trials may come from any sampler. Raises ValueError where
    nothing is finished.
    """
    history = History.of(trials, Encoding(problem.choices))
    if not len(history.rows):
        raise ValueError("no trial is finished")
    if len(history.accuracies) < _LEAST:
        return history.accuracies
    model = ProblemModel.of(problem).accuracy_model(history, prior or Prior())
    expected, _ = model.predict(history.rows)
    return _between(history.accuracies, expected)


def _between(measured: Floats, expected: Floats) -> Floats:
    """(n,) accuracies between the two; errors are averaged as logarithms, as they are modelled."""
    errors = [np.log(np.maximum(1 - accuracy, 1e-6)) for accuracy in (measured, expected)]
    between: Floats = 1 - np.exp(_OWN_SHARE * errors[0] + (1 - _OWN_SHARE) * errors[1])
    return between
