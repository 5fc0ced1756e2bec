import random

import numpy as np
import pytest

from scaling_search.grow.ablation import ungrown
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.judge.guided import ModelGuided, believe
from scaling_search.judge.observations import directions_of, places_of
from scaling_search.settings import SweepSettings
from scaling_search.sweep import plan_sweep, run_sweep
from search_spaces.zoo import zoo
from synthetic import Surface, here

B0 = zoo("efficientnet_b0")
GRID = make_grid(B0, GridSettings(step=0.1))
DIRECTIONS = directions_of(GRID)
PLACES = places_of(GRID, DIRECTIONS, [ungrown(GRID.baseline, GRID.rule)])
ALL = tuple(range(len(GRID.candidates)))
BASELINE = len(ALL)
ANCHORS = ((BASELINE, 0), (BASELINE, 1))
BEST = np.array([0.2, 0.3, 0.5])
AWAY = PLACES.growth - PLACES.growth.sum(axis=1, keepdims=True) * BEST
TRUTH = 0.7 + 0.02 * PLACES.cost - 0.05 * (AWAY**2).sum(axis=1)


def strategy(**changes):
    settings = {"first_seed": 0, "budget": 24, "tolerance": 0.0}
    return ModelGuided(
        PLACES, ALL, ((BASELINE, 0), (BASELINE, 1)), DIRECTIONS, **{**settings, **changes}
    )


def accuracy(candidate, seed, sigma=0.004):
    rng = random.Random(f"{candidate} {seed}")
    return float(TRUTH[candidate]) + rng.gauss(0, sigma)


def play(guided, measure=accuracy, order=None, results=None):
    results, asked = dict(results or {}), []
    while pairs := guided.pending(results):
        assert not set(pairs) & results.keys(), "nothing is asked for twice"
        chosen = random.Random(f"{order} {len(results)}").choice(pairs) if order else pairs[0]
        results[chosen] = measure(*chosen)
        asked.append(chosen)
    return results, asked


class Killed(BaseException):
    """Ends a sweep where a kill would."""


def test_a_resumed_sweep_decides_nothing_twice(tmp_path, monkeypatch):
    evaluator, settings = Surface(), SweepSettings(step=0.1, budget=22)
    told = []

    def kill(progress):
        told.append(progress)
        if len(told) == 16:
            raise Killed

    with pytest.raises(Killed):
        run_sweep(B0, settings, evaluator, tmp_path, here(evaluator), progress=kill)
    decided = []

    def counted(places, candidates, directions, results, images):
        decided.append(frozenset(results))
        return believe(places, candidates, directions, results, images)

    monkeypatch.setattr("scaling_search.judge.guided.believe", counted)
    plan = plan_sweep(B0, settings, tmp_path)
    run_sweep(B0, settings, evaluator, tmp_path, here(evaluator), strategy=plan.strategy)
    assert len(decided) == len(set(decided)) >= 3


@pytest.fixture(scope="module")
def undisturbed():
    return play(strategy())[0]


def test_the_budget_is_kept_and_the_baseline_is_trained_twice(undisturbed):
    assert len(undisturbed) == strategy().most == 24
    assert {(BASELINE, 0), (BASELINE, 1)} < undisturbed.keys()
    for candidate in {candidate for candidate, _ in undisturbed}:
        seeds = sorted(seed for each, seed in undisturbed if each == candidate)
        assert seeds == list(range(len(seeds))), "seeds are shared, to be compared by"


def test_trainings_go_where_they_tell_most(undisturbed):
    trainings = [sum(each == candidate for each, _ in undisturbed) for candidate in ALL]
    best = np.argsort(-TRUTH[list(ALL)])
    assert sum(trainings[i] for i in best[:4]) > sum(trainings[i] for i in best[-6:])


@pytest.mark.parametrize("order", [1, 2])
def test_the_order_of_finishing_changes_nothing(undisturbed, order):
    assert play(strategy(), order=order)[0] == undisturbed


def test_it_goes_on_from_any_part_of_its_results(undisturbed):
    rng = random.Random(0)
    for _ in range(3):
        kept = dict(rng.sample(sorted(undisturbed.items()), rng.randrange(len(undisturbed))))
        again, asked = play(strategy(), results=kept)
        assert again == undisturbed
        assert not set(asked) & kept.keys()


def test_results_that_it_did_not_ask_for_change_nothing(undisturbed):
    others = {(3, 70): 0.99, (5, 71): None}
    again, _ = play(strategy(), results=others)
    assert again == {**undisturbed, **others}


def test_a_second_block_is_under_way_while_the_first_ends():
    guided, results = strategy(), {}
    first = guided.pending(results)
    assert len(first) == 12
    for pair in first[:8]:  # all but the last block
        results[pair] = accuracy(*pair)
    assert len(guided.pending(results)) == 8


def test_it_ends_when_the_answer_is_within_the_tolerance():
    results, _ = play(
        strategy(budget=60, tolerance=0.001), lambda c, s: accuracy(c, s, sigma=0.0003)
    )
    assert len(results) <= 24
    belief = believe(PLACES, ALL, DIRECTIONS, results)
    assert TRUTH[list(ALL)].max() - TRUTH[belief.winner] < 0.002
    assert belief.regret < 0.002


def test_a_candidate_that_fails_cannot_win_and_stops_nothing():
    best = int(TRUTH[list(ALL)].argmax())
    results, _ = play(strategy(), lambda c, s: None if c == best else accuracy(c, s))
    belief = believe(PLACES, ALL, DIRECTIONS, results)
    assert best not in belief.candidates
    assert belief.winner != best
    assert len(results) == 24


def test_all_may_fail():
    results, _ = play(strategy(), lambda c, s: None)
    assert 0 < len(results) <= 24
    assert believe(PLACES, ALL, DIRECTIONS, results).candidates == ()


def test_the_contenders_hold_the_best_and_the_winner_was_trained(undisturbed):
    belief = believe(PLACES, ALL, DIRECTIONS, undisturbed)
    assert int(TRUTH[list(ALL)].argmax()) in belief.contenders
    assert belief.winner in {candidate for candidate, _ in undisturbed}
    assert belief.winner in belief.contenders


def test_one_candidate_is_an_answer():
    guided = ModelGuided(PLACES, (4,), ANCHORS, DIRECTIONS, 0, 20, 0.001)
    results, _ = play(guided)
    assert believe(PLACES, (4,), DIRECTIONS, results).winner == 4
