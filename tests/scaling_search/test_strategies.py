import random

import pytest

from nas.trainings.strategies import FlatGrid, Race


def accuracy(candidate, seed, sigma=0.005):
    rng = random.Random(f"{candidate} {seed}")
    return 0.8 - 0.004 * abs(candidate - 7) + rng.gauss(0, sigma)


def play(strategy, measure=accuracy, order=None):
    """All results of a sweep, and the rounds in which they were asked for."""
    results, rounds = {}, []
    while pairs := strategy.pending(results):
        assert not set(pairs) & results.keys(), "nothing is asked for twice"
        rounds.append(pairs)
        shuffled = random.Random(order).sample(pairs, len(pairs)) if order else pairs
        results.update({pair: measure(*pair) for pair in shuffled})
    return results, rounds


def test_a_flat_grid_is_every_candidate_with_every_seed():
    results, _ = play(FlatGrid(3, (5, 6)))
    assert list(results) == [(0, 5), (1, 5), (2, 5), (0, 6), (1, 6), (2, 6)]


def test_a_race_gives_its_seeds_to_those_who_may_win():
    results, rounds = play(Race(tuple(range(16)), first_seed=3, budget=40))
    assert rounds[0] == [(candidate, 3) for candidate in range(16)]
    assert len(results) == 40
    trainings = [sum(candidate == c for candidate, _ in results) for c in range(16)]
    assert max(trainings) == max(trainings[5:10]) > 3
    assert min(trainings) == 1
    for candidate in range(16):
        seeds = sorted(seed for c, seed in results if c == candidate)
        assert seeds == list(range(3, 3 + len(seeds))), "seeds are shared, to be compared by"


def test_a_race_ends_when_the_winner_is_significant():
    results, _ = play(Race(tuple(range(16)), 0, 1000), lambda c, s: accuracy(c, s, sigma=0.0002))
    assert len(results) < 60


def test_a_race_does_not_depend_on_the_order_of_finishing():
    race = Race(tuple(range(12)), 0, 40)
    expected, _ = play(race)
    for order in range(1, 4):
        assert play(race, order=order)[0] == expected


def test_a_race_goes_on_from_any_part_of_its_results():
    race = Race(tuple(range(12)), 0, 40)
    expected, _ = play(race)
    rng = random.Random(0)
    for _ in range(5):
        kept = dict(rng.sample(sorted(expected.items()), rng.randrange(len(expected))))
        results = dict(kept)
        while pairs := race.pending(results):
            results.update({pair: accuracy(*pair) for pair in pairs})
        assert results == expected


def test_results_nobody_asked_for_change_nothing():
    race = Race(tuple(range(12)), 0, 40)
    expected, _ = play(race)
    others = {(candidate, 99): 1.0 for candidate in range(20)}
    assert race.pending(others) == race.pending({})
    assert race.pending({**expected, **others}) == []


@pytest.mark.parametrize("failing", [{7}, {6, 7, 8}, set(range(12))])
def test_a_candidate_that_fails_is_out_of_the_race(failing):
    def measure(candidate, seed):
        return None if candidate in failing else accuracy(candidate, seed)

    results, _ = play(Race(tuple(range(12)), 0, 40), measure)
    assert sum(candidate in failing for candidate, _ in results) == len(failing)


def test_every_candidate_runs_once_whatever_the_budget():
    results, _ = play(Race(tuple(range(12)), 0, budget=5))
    assert len(results) == 12
