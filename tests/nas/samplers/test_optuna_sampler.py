"""Optuna's samplers over respelt choices: what they are shown of a study."""

from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nas.samplers.base import Problem, distributions
from nas.samplers.optuna import OptunaSampler, Spelling
from search_spaces.choices import Choice

CHOICES = (
    Choice("kernel", (3, 5, 7), ordered=True),
    Choice("op", ("conv", "mbconv", "identity"), ordered=False),
)
Seen = tuple[int, TrialState, list[float] | None, dict[str, Any], dict[str, BaseDistribution]]
shown: list[list[Seen]] = []


class Watching(RandomSampler):
    """Writes down the trials that it is shown."""

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        trials = [each for each in study.get_trials() if each.number != trial.number]
        shown.append([(t.number, t.state, t.values, t.params, t.distributions) for t in trials])
        return {}


def problem() -> Problem:
    return Problem(choices=CHOICES, cost=lambda params: 1.0)


def ask(study: Study, for_problem: Problem, spelling: Spelling = "ordered") -> optuna.Trial:
    path = f"{Watching.__module__}.{Watching.__qualname__}"
    study.sampler = OptunaSampler(sampler=path, spelling=spelling).make(for_problem, 0)
    return study.ask(distributions(CHOICES))


@pytest.fixture
def study() -> Study:
    shown.clear()
    return optuna.create_study(directions=["maximize", "minimize"])


def test_options_are_shown_as_positions_and_values_and_states_as_they_are(study: Study) -> None:
    study.enqueue_trial({"kernel": 7, "op": "identity"})
    study.enqueue_trial({"kernel": 5, "op": "conv"})
    there = problem()
    first, _ = ask(study, there), ask(study, there)
    study.tell(first, [0.5, 3.0])
    ask(study, there)
    spelt = {"kernel": IntDistribution(0, 2), "op": CategoricalDistribution(range(3))}
    assert shown[-1] == [
        (0, TrialState.COMPLETE, [0.5, 3.0], {"kernel": 2, "op": 2}, spelt),
        (1, TrialState.RUNNING, None, {"kernel": 1, "op": 0}, spelt),
    ]


def test_what_is_remembered_of_a_study_is_what_it_is(study: Study) -> None:
    """Trials run, end in any order, fail and are queued; another study comes in between."""
    kept, other = problem(), optuna.create_study(directions=["maximize", "minimize"])
    running: list[optuna.Trial] = []
    for step in range(12):
        running.append(ask(study, kept))
        study.tell(ask(study, problem()), state=TrialState.FAIL)
        other.tell(ask(other, kept), [1.0, float(step)])
        if step % 2:
            study.tell(running.pop(step % len(running)), [0.1 * step, 1.0])
        if step == 5:
            study.enqueue_trial({"kernel": 3})
    ask(study, kept, "ordered")
    ask(study, problem(), "ordered")
    remembered, anew = shown[-2:]
    assert remembered == anew[:-1]
    assert len(remembered) == len(study.trials) - 2
    assert {state for _, state, *_ in remembered} == {
        TrialState.COMPLETE,
        TrialState.RUNNING,
        TrialState.FAIL,
    }


def test_one_problem_may_be_spelt_in_several_ways(study: Study) -> None:
    there = problem()
    study.tell(ask(study, there), [0.5, 1.0])
    for spelling in ("integers", "categories", "ordered"):
        study.tell(ask(study, there, spelling), state=TrialState.FAIL)
    kinds = [{name: type(d) for name, d in seen[0][-1].items()} for seen in shown[1:]]
    assert kinds == [
        {"kernel": IntDistribution, "op": IntDistribution},
        {"kernel": CategoricalDistribution, "op": CategoricalDistribution},
        {"kernel": IntDistribution, "op": CategoricalDistribution},
    ]
