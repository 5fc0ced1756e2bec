import numpy as np
import pytest

from nas.statistics.comparison import compare
from search_spaces.errors import UserError


def test_far_apart_candidates_are_told_apart():
    rng = np.random.default_rng(0)
    accuracies = {
        candidate: {seed: mean + rng.normal(0, 0.001) for seed in range(3)}
        for candidate, mean in enumerate([0.5, 0.7, 0.6])
    }
    found = compare(accuracies, [0, 1, 2])
    assert (found.winner, found.ties) == (1, frozenset())
    assert found.estimates[1].mean == pytest.approx(np.mean(list(accuracies[1].values())))
    assert found.noise == pytest.approx(0.001, rel=0.7)
    assert found.estimates[1].stderr == pytest.approx(found.noise / 3**0.5, rel=0.3)
    assert found.more_trainings() == 0


def test_the_winner_is_sought_among_the_eligible_alone():
    accuracies = {0: {0: 0.5, 1: 0.51}, 1: {0: 0.9, 1: 0.91}}
    assert compare(accuracies, [0]).winner == 0
    with pytest.raises(UserError):
        compare(accuracies, [])


def test_one_training_of_each_tells_nothing_apart():
    found = compare({0: {0: 0.1}, 1: {0: 0.9}}, [0, 1])
    assert (found.winner, found.ties, found.noise) == (1, frozenset({0}), None)
    assert found.estimates[1].stderr is None
    assert found.more_trainings() is None


def test_without_noise_only_equals_tie():
    accuracies = {c: dict.fromkeys(range(2), a) for c, a in enumerate([0.5, 0.7, 0.7])}
    found = compare(accuracies, [0, 1, 2])
    assert (found.winner, found.ties) == (1, frozenset({2}))


def test_noise_that_seeds_share_cancels():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 0.1, size=4)  # how hard each seed is, for all candidates alike
    accuracies = {
        candidate: {seed: mean + hard[seed] + rng.normal(0, 0.001) for seed in range(4)}
        for candidate, mean in enumerate([0.50, 0.51, 0.52])
    }
    found = compare(accuracies, [0, 1, 2])
    assert (found.winner, found.ties) == (2, frozenset())


def test_candidates_may_have_different_seeds():
    accuracies = {0: {0: 0.50}, 1: {0: 0.70, 1: 0.71, 2: 0.69}, 2: {0: 0.69, 1: 0.70}}
    found = compare(accuracies, [0, 1, 2])
    assert (found.winner, found.ties) == (1, frozenset({2}))
    assert found.estimates[0].stderr > found.estimates[1].stderr
    assert found.more_trainings() > 0


@pytest.mark.parametrize(("candidates", "seeds"), [(8, 2), (8, 4), (3, 3)])
def test_the_tie_set_holds_the_true_best_nearly_always(candidates, seeds):
    rng = np.random.default_rng(1)
    held = 0
    for repetition in range(100):
        means = rng.normal(0.8, 0.003, candidates)
        noise = rng.normal(0, 0.005, (candidates, seeds))
        accuracies = {
            c: {s: float(means[c] + noise[c, s]) for s in range(seeds)} for c in range(candidates)
        }
        found = compare(accuracies, range(candidates), repetition)
        held += int(means.argmax()) in {found.winner, *found.ties}
    assert held >= 93
