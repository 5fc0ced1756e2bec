"""The baseline comes from a model of all trials, not from the luckiest measurement."""

import math
import random
import statistics
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState, create_trial

import toy
from nas.executors.local import InProcess
from nas.networks.cost import cost
from nas.runs.records import Record, Standing
from nas.runs.storage import SqliteFile
from nas.runs.study import StudyStore
from nas.samplers.base import Problem, distributions
from nas.samplers.optuna import OptunaSampler
from nas.samplers.recommend import expected_rewards, recommend
from nas.searches.loop import Search, SearchSettings
from nas.searches.pricing import Macs
from nas.searches.proposals import Limits, Proposer
from nas.searches.rewards import Soft
from nas.searches.standing import search_result
from nas.verbs.search import summary
from search_spaces.space import Space, load_space
from search_spaces.zoo import zoo

SPACE: Space = load_space(
    {"name": "kernels", "base": "efficientnet_b0", "vary": {"kernel": [3, 5, 7]}}, "space"
)
REWARD = Soft(400e6)


def problem() -> Problem:
    random_sampler = OptunaSampler(sampler="optuna.samplers.RandomSampler")
    return Proposer.resume(SPACE, random_sampler, REWARD, Macs(), Limits(), 0, ()).problem


def accuracy(params: dict[str, object]) -> float:
    """Every 5×5 kernel is worth a point, a 7×7 half of one."""
    return 0.7 + 0.01 * sum({3: 0, 5: 1, 7: 0.5}[int(str(k))] for k in params.values())


def reward(params: dict[str, object], measured: float) -> float:
    return REWARD(measured, cost(SPACE.decode(params)).macs)


def trials(seed: int, count: int, noise: float) -> list[optuna.trial.FrozenTrial]:
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        params = dict(SPACE.sample(rng))
        measured = accuracy(params) + rng.gauss(0, noise)
        made.append(
            create_trial(
                state=TrialState.COMPLETE,
                value=reward(params, measured),
                params=params,
                distributions=distributions(SPACE.choices),
                user_attrs={"accuracy": measured},
            )
        )
    return made


def test_of_noisy_trials_the_recommended_is_better_than_the_luckiest() -> None:
    """On average, and beyond chance: of one search, luck may be right."""
    gains, known = [], problem()
    for seed in range(150):
        made = trials(seed, 100, noise=0.02)
        luckiest = max(made, key=lambda trial: trial.value or 0)
        recommended = made[recommend(known, made)]
        rewards = [reward(t.params, accuracy(t.params)) for t in (recommended, luckiest)]
        gains.append(rewards[0] - rewards[1])
    standard_error = statistics.stdev(gains) / math.sqrt(len(gains))
    assert statistics.fmean(gains) > max(0.001, 2 * standard_error)


def test_expected_rewards_are_nearer_the_truth_than_measured_ones() -> None:
    known, errors = problem(), []
    for seed in range(10):
        made = trials(seed, 60, noise=0.02)
        expected = expected_rewards(known, made)
        assert len(expected) == len(made)
        for trial, value in zip(made, expected.tolist(), strict=True):
            true = reward(trial.params, accuracy(trial.params))
            errors.append((abs(value - true), abs((trial.value or 0) - true)))
    assert sum(own for own, _ in errors) < sum(measured for _, measured in errors)


def test_without_noise_on_a_simple_surface_it_is_the_best_measured() -> None:
    made = trials(0, 60, noise=0)
    assert recommend(problem(), made) == max(range(60), key=lambda n: made[n].value or 0)


@pytest.mark.parametrize("count", [1, 7])
def test_of_a_few_trials_it_is_the_best_measured(count: int) -> None:
    made = trials(3, count, noise=0.05)
    assert recommend(problem(), made) == max(range(count), key=lambda n: made[n].value or 0)


def test_there_is_nothing_to_recommend_before_a_trial_is_finished() -> None:
    with pytest.raises(ValueError, match="no trial is finished"):
        recommend(problem(), [])


def record(number: int, reward: float) -> Record:
    return Record(
        number=number,
        state="finished",
        proposal=number,
        arch=zoo("mobilenet_v2"),
        key=f"{number}" * 12,
        compact="ds_r1_k3_s1_e1_c16",
        choices={},
        macs=1,
        params=1,
        activations=1,
        cost=1.0,
        accuracy=0.5,
        reward=reward,
    )


def test_the_models_choice_is_explained_under_the_baselines_reward() -> None:
    best, lucky = record(1, 0.5), record(2, 0.6)
    lines = summary(Standing(best, lucky, (best, lucky)), Path("r")).splitlines()
    assert [line.split()[0] for line in lines] == ["baseline", "reward", "the", "front", "written"]
    assert "trial 2 measured a reward of 0.6000" in lines[2]
    assert "model's choice" not in summary(Standing(lucky, lucky, (lucky,)), Path("r"))


@pytest.mark.parametrize("exact", [True, False])
def test_a_search_recommends_only_where_measurements_are_noisy(tmp_path: Path, exact: bool) -> None:
    search = Search(
        space=SPACE,
        sampler=OptunaSampler(sampler="optuna.samplers.RandomSampler"),
        reward=REWARD,
        settings=SearchSettings(trials=12),
        store=StudyStore(SqliteFile(tmp_path / "study.db"), "noisy", ("maximize",)),
        progress=lambda records, finished: None,
        exact=exact,
    )
    records = search.run(lambda: InProcess(toy.Toy(noise=0.2)))
    recommended = search.recommended(records)
    assert (recommended is None) == exact
    found = search_result(records, recommended)
    assert found is not None
    assert found.luckiest.reward == max(record.reward or 0 for record in records)
    assert found.baseline is (found.luckiest if exact else recommended)
