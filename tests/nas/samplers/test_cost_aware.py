"""What the cost-aware sampler tries before it knows anything."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest

from nas.prediction.features import Encoding, Rows
from nas.prediction.gaussian_process import Prior
from nas.samplers.base import Problem, distributions
from nas.samplers.cost_aware import CostAware
from nas.samplers.discrete import History
from nas.samplers.problem_model import ProblemModel
from search_spaces.choices import Choice

CHOICES = (
    *(Choice(f"repeats{i}", (1, 2, 3, 4), ordered=True) for i in range(6)),
    *(Choice(f"op{i}", ("identity", "mb3", "mb6"), ordered=False) for i in range(3)),
)


def price(params: Mapping[str, Any]) -> float:
    return 1.0 + math.prod(params[f"repeats{i}"] for i in range(6))


def first(count: int, seed: int, **limits: Any) -> Rows:
    """What a study asks first, none of whose trials has finished."""
    problem = Problem(choices=CHOICES, cost=price, reward=lambda accuracy, cost: accuracy, **limits)
    study = optuna.create_study(direction="maximize")
    encoding = Encoding(CHOICES)
    for number in range(count):
        study.sampler = CostAware(initial=count).make(problem, seed + number)
        study.ask(distributions(CHOICES))
    return encoding.rows(trial.params for trial in study.trials)


def told(rows: Rows) -> float:
    """The logarithm of how much these networks tell of linear trends (D-optimality)."""
    features = Encoding(CHOICES).features(rows)
    return float(np.linalg.slogdet(np.eye(len(rows)) + features @ features.T)[1])


@pytest.mark.parametrize("seed", [0, 100, 200])
def test_the_first_candidates_tell_more_than_any_random_ones(seed):
    rng = np.random.default_rng(seed)
    random = [told(Encoding(CHOICES).random(rng, 8)) for _ in range(200)]
    assert told(first(8, seed)) > max(random)


def test_the_first_candidates_are_within_the_limits():
    rows = first(8, 0, allowed=lambda params: price(params) < 60)
    encoding = Encoding(CHOICES)
    assert all(price(encoding.params(row)) < 60 for row in rows)
    assert len({row.tobytes() for row in rows}) == 8


def size(params: Mapping[str, Any]) -> float:
    return 1.0 + sum(params[f"repeats{i}"] ** 3 for i in range(6))


def sized(**covariates: Any) -> ProblemModel:
    return ProblemModel(
        Problem(choices=CHOICES, cost=price, reward=lambda accuracy, cost: 0, **covariates)
    )


def test_accuracy_that_goes_by_the_size_is_learnt_from_fewer():
    encoding = Encoding(CHOICES)
    rows = np.unique(encoding.random(np.random.default_rng(0), 220), axis=0)
    accuracies = np.array([1 - 0.5 * size(encoding.params(row)) ** -0.5 for row in rows])
    seen = History(rows[:12], accuracies[:12], accuracies[:12], rows[:0], rows[:12])
    errors = [
        np.abs(model.accuracy_model(seen, Prior()).predict(rows[12:])[0] - accuracies[12:]).mean()
        for model in (sized(covariates=lambda params: (price(params), size(params))), sized())
    ]
    assert errors[0] < 0.5 * errors[1]


def test_the_first_candidates_do_not_go_by_the_size():
    rows = Encoding(CHOICES).random(np.random.default_rng(0), 40)
    uncertainties = [
        model.uncertainty(rows[:6], Prior())(rows)
        for model in (sized(covariates=lambda params: (price(params), size(params))), sized())
    ]
    assert np.array_equal(uncertainties[0], uncertainties[1])


def test_what_is_being_tried_is_in_doubt_no_more():
    model = ProblemModel(
        Problem(choices=CHOICES, cost=price, reward=lambda accuracy, cost: accuracy)
    )
    rows = np.unique(Encoding(CHOICES).random(np.random.default_rng(0), 40), axis=0)
    before = model.uncertainty(rows[:0], Prior())(rows)
    after = model.uncertainty(rows[:6], Prior())(rows)
    assert np.all(after < before)
    assert after[:6].max() < 0.1 * after[6:].min()
