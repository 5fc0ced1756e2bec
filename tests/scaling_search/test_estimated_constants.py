import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.trainings.record import TrainingRecord
from scaling_search.grow.ablation import ungrown
from scaling_search.grow.family import formula_family
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.judge.estimate import estimate, evidence, known_tilt
from scaling_search.judge.observations import (
    asked_multipliers,
    directions_of,
    observe,
    origin,
    places_by_key,
    places_of,
)
from scaling_search.judge.surface import Seen
from scaling_search.rule.compound import COMPOUND, PAPER
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")
GRID = make_grid(B0, GridSettings())
DIRECTIONS = directions_of(GRID)
PLACES = places_of(GRID, DIRECTIONS, [ungrown(GRID.baseline, GRID.rule)])
TILT = known_tilt(DIRECTIONS)


def trained(best, bend, sigma, seeds, seed=0):
    rng = np.random.default_rng(seed)
    away = PLACES.growth - PLACES.growth.sum(axis=1, keepdims=True) * np.array(best)
    exact = 0.7 + 0.02 * PLACES.cost - bend * (away**2).sum(axis=1)
    return Seen.of(PLACES, [a + rng.normal(0, sigma, seeds) for a in exact])


def test_nothing_trained_is_what_was_published():
    found = estimate(Seen.of(PLACES[[]], []), DIRECTIONS, TILT)
    assert found.constants == found.known == found.named == PAPER
    assert not found.contradicts
    assert found.low.values < PAPER.values < found.high.values
    assert "Nothing was trained" in found.verdict


def test_noise_alone_leaves_what_was_published():
    for seed in range(3):
        found = estimate(trained([1 / 3] * 3, 0.0, 0.03, 1, seed), DIRECTIONS, TILT)
        assert np.log(found.constants.values) == pytest.approx(np.log(PAPER.values), abs=0.1)
        assert not found.contradicts
        assert found.verdict.startswith("The trainings do not contradict 1.2, 1.1, 1.15")


def test_many_trainings_have_their_own_answer():
    best = np.array([0.05, 0.75, 0.2])
    found = estimate(trained(best, 0.1, 0.004, 5), DIRECTIONS, TILT)
    shares = DIRECTIONS.growths(np.log(found.constants.values))
    assert shares == pytest.approx(best, abs=0.07)
    assert found.contradicts
    assert found.more_trainings == 0
    assert found.verdict.startswith("The trainings contradict 1.2, 1.1, 1.15: at equal MACs")
    for name in ("alpha", "beta", "gamma"):
        assert found.low[name] <= DIRECTIONS.constants(best)[name] <= found.high[name]


def test_named_constants_go_as_far_from_the_published_as_the_evidence():
    weak = estimate(trained([0.05, 0.75, 0.2], 0.02, 0.02, 1), DIRECTIONS, TILT)
    strong = estimate(trained([0.05, 0.75, 0.2], 0.1, 0.004, 5), DIRECTIONS, TILT)
    known = np.log(PAPER.values)
    for found in (weak, strong):
        z = found.gain / found.gain_error
        assert found.weight == pytest.approx(z**2 / (z**2 + 2) if z > 0 else 0)
        moved = found.weight * (np.log(found.constants.values) - known)
        assert np.log(found.named.values) == pytest.approx(known + moved, abs=1e-3)
    assert weak.weight < 0.5 < 0.9 < strong.weight


@given(st.floats(-1, 1), st.floats(0, 1))
def test_evidence_is_a_share_that_grows_with_what_is_gained(gain, error):
    assert 0 <= evidence(gain, error) <= evidence(gain + 0.1, error) <= 1
    assert evidence(gain, error + 0.1) <= evidence(gain, error) or error == 0


def test_the_closer_the_rivals_the_more_trainings_are_needed():
    found = estimate(trained([0.2, 0.4, 0.4], 0.03, 0.01, 1), DIRECTIONS, TILT)
    close = dataclasses.replace(found, gain=0.001, gain_error=0.002, contradicts=False)
    closer = dataclasses.replace(close, gain=0.0005)
    # (1.96 · 2)² − 1 times as many as there are.
    assert close.more_trainings == round(47 * ((1.96 * 2) ** 2 - 1))
    assert closer.more_trainings == round(47 * ((1.96 * 4) ** 2 - 1))
    assert dataclasses.replace(close, gain=0.0).more_trainings is None
    assert f"about {close.more_trainings} more would be needed" in close.verdict


def test_named_constants_multiply_to_what_the_papers_do():
    found = estimate(trained([0.1, 0.5, 0.4], 0.05, 0.005, 2), DIRECTIONS, TILT)
    assert found.constants.product() == pytest.approx(PAPER.product(), rel=5e-3)
    assert found.named.product() == pytest.approx(PAPER.product(), rel=5e-3)


def test_another_ratio_is_kept_to():
    grid = make_grid(B0, GridSettings(ratio=1.5, step=0.05))
    directions = directions_of(grid)
    assert directions.ratio == 1.5
    found = estimate(Seen.of(PLACES[[]], []), directions, known_tilt(directions))
    assert found.constants.product() == pytest.approx(1.5, rel=5e-3)


def record(arch, multipliers, accuracy=0.5, **labels):
    return TrainingRecord(
        arch=arch,
        seed=0,
        state="finished",
        accuracy=accuracy,
        labels={**multipliers.named(), **origin(B0), **labels},
    )


def test_trainings_at_any_cost_are_observed():
    known = places_by_key((*GRID.candidates, ungrown(B0, GRID.rule)), PLACES)
    members = formula_family(B0, PAPER, [0.5, 2])
    records = [
        *(record(each.arch, each.multipliers) for each in members),
        record(GRID.candidates[3].arch, GRID.candidates[3].multipliers),
        record(GRID.candidates[3].arch, GRID.candidates[3].multipliers, accuracy=0.6),
    ]
    seen = observe(records, B0, DIRECTIONS, known)
    assert seen.counts.tolist() == [1, 1, 1, 2]
    assert seen.places.growth[-1] == pytest.approx(PLACES.growth[3])
    assert seen.places.growth[2] == pytest.approx(2 * DIRECTIONS.known)
    assert seen.places.growth[0] == pytest.approx(0)


def test_labels_are_believed_only_if_they_make_the_network():
    (_, member) = formula_family(B0, PAPER, [1])
    lie = COMPOUND.multipliers(depth=1.4, width=1.2)
    assert asked_multipliers(record(member.arch, member.multipliers), B0, COMPOUND)
    assert asked_multipliers(record(member.arch, lie), B0, COMPOUND) is None
    bare = dataclasses.replace(record(member.arch, lie), labels=origin(B0))
    assert asked_multipliers(bare, B0, COMPOUND) is None
    stranger = dataclasses.replace(record(member.arch, member.multipliers), labels={})
    assert len(observe([stranger, bare], B0, DIRECTIONS).places) == 0


def test_a_network_of_the_grid_counts_whatever_its_labels_say():
    known = places_by_key((*GRID.candidates, ungrown(B0, GRID.rule)), PLACES)
    bare = dataclasses.replace(
        record(GRID.candidates[3].arch, GRID.candidates[3].multipliers), labels={}
    )
    assert observe([bare], B0, DIRECTIONS, known).counts.tolist() == [1]


def test_few_trainings_promise_no_number_of_more():
    found = estimate(trained([0.2, 0.4, 0.4], 0.03, 0.01, 1), DIRECTIONS, TILT)
    few = dataclasses.replace(found, gain=0.001, gain_error=0.002, contradicts=False, trainings=6)
    assert few.more_trainings is None
    assert few.verdict.endswith("cannot be said: fewer than 10 trainings say too little.")
    worse = dataclasses.replace(few, trainings=47, gain=-0.001)
    assert worse.verdict.endswith("said: the estimate is not expected to be better.")
    same = dataclasses.replace(few, trainings=47, constants=few.known)
    assert same.verdict.endswith("said: the estimate is what is published.")
    endless = dataclasses.replace(few, trainings=47, gain=1e-6)
    assert endless.verdict.endswith("said: it would take more than 10,000.")
