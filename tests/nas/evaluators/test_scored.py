"""A short training put right by scores: exactly how, and alike wherever it runs."""

import dataclasses
import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.cli import main
from nas.data.folders import ImageFolder
from nas.data.sources import Digits
from nas.evaluators.base import Evaluator
from nas.evaluators.proxy import ProxyEvaluator
from nas.evaluators.scored import ScoredEvaluator
from nas.evaluators.zero_cost import ZeroCostEvaluator
from quick import QUICK, SMALL
from search_spaces.errors import UserError

UNTRAINED = ZeroCostEvaluator(
    data=Digits(limit=300), scores=("naswot", "grad_norm"), images=8, base_resolution=64
)
BOTH = ScoredEvaluator(trained=QUICK, untrained=UNTRAINED, worth=0.2, spread=4.0)


def ignore(epoch: int, accuracy: float) -> None:
    """Nobody listens."""


def test_the_estimate_is_the_training_at_odds_that_grow_with_the_score() -> None:
    told: list[float] = []
    found = BOTH.evaluate(SMALL, 1, lambda epoch, accuracy: told.append(accuracy))
    trained, untrained = QUICK.evaluate(SMALL, 1, ignore), UNTRAINED.promise(SMALL, 1)
    odds = [a / (1 - a) * math.exp(0.2 * untrained.value) for a in trained.curve]
    expected = [(each / (1 + each)) ** 0.25 for each in odds]
    assert found.curve == tuple(told) == pytest.approx(expected)
    assert found.accuracy == found.curve[-1]
    assert found.note == f"trained to {trained.accuracy:.4f}, {untrained.note}"


def test_scores_that_are_worth_nothing_leave_the_training() -> None:
    alone = dataclasses.replace(BOTH, worth=0.0, spread=1.0).evaluate(SMALL, 1, ignore)
    assert alone.curve == pytest.approx(QUICK.evaluate(SMALL, 1, ignore).curve)


@given(
    st.floats(0.01, 0.9),
    st.floats(0.01, 0.09),
    st.floats(-20, 20),
    st.floats(0.01, 20),
    st.floats(0.1, 20),
)
def test_an_estimate_is_a_fraction_that_grows_with_both(
    trained: float, better: float, promise: float, more: float, spread: float
) -> None:
    estimate = ScoredEvaluator(spread=spread).estimate
    assert 0 <= estimate(trained, promise) < estimate(trained + better, promise) <= 1
    assert estimate(trained, promise) < estimate(trained, promise + more) <= 1


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_no_score_moves_none_right_and_all_right(accuracy: float) -> None:
    assert BOTH.estimate(accuracy, -3.0) == BOTH.estimate(accuracy, 3.0) == accuracy


def test_images_that_another_process_read_serve_both() -> None:
    shared = pickle.loads(pickle.dumps(BOTH.load_data(BOTH.data_key(SMALL))))
    nowhere = ImageFolder(name="x", path="/not/on/this/node")
    elsewhere = dataclasses.replace(
        BOTH,
        trained=dataclasses.replace(QUICK, data=nowhere),
        untrained=dataclasses.replace(UNTRAINED, data=nowhere),
    )
    assert elsewhere.with_data(shared).evaluate(SMALL, 0, ignore) == BOTH.evaluate(SMALL, 0, ignore)


def test_images_beyond_the_memory_allowed_are_not_shared() -> None:
    for part in ("trained", "untrained"):
        large = dataclasses.replace(getattr(BOTH, part), data=Digits(memory=0.0))
        assert dataclasses.replace(BOTH, **{part: large}).data_key(SMALL) is None


def test_less_memory_is_for_the_training() -> None:
    assert BOTH.reduced_memory(2).trained.parts == 4


def test_networks_beyond_the_space_are_trained_alone() -> None:
    assert BOTH.for_scaled_networks() is QUICK
    assert QUICK.for_scaled_networks() is QUICK


@pytest.mark.parametrize(
    ("command", "trains"),
    [
        (["sweep"], "scaling_search.sweep.run_sweep"),
        (["ablate", "train=true"], "scaling_search.ablate.train_ablation"),
    ],
)
def test_a_sweep_and_an_ablation_train_alone(
    command: list[str], trains: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []

    def stop(*arguments: object, **rest: object) -> None:
        given.extend(arguments)
        raise UserError("seen enough")

    monkeypatch.setattr(trains, stop)
    with pytest.raises(SystemExit):
        main([*command, "evaluator=scored_proxy", f"run={tmp_path / 'run'}"])
    assert [type(one) for one in given if isinstance(one, Evaluator)] == [ProxyEvaluator]


def test_says_what_the_estimate_is_made_of() -> None:
    about = BOTH.describe()
    assert (about["epochs"], about["estimate with"]) == (2, "naswot + grad_norm")


@pytest.mark.parametrize("part", ["trained", "untrained"])
def test_what_one_of_both_cannot_do_is_refused_beforehand(part: str) -> None:
    small = dataclasses.replace(getattr(BOTH, part), resolution=1)
    with pytest.raises(UserError, match="px"):
        dataclasses.replace(BOTH, **{part: small}).check(SMALL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("evaluator.worth=-1", "evaluator.worth: expected at least 0, got -1"),
        ("evaluator.spread=0", "evaluator.spread: expected above 0, got 0"),
        ("evaluator.trained.epochs=0", "evaluator.trained.epochs: expected at least 1, got 0"),
        ("evaluator.untrained.images=5000", "evaluator.untrained.images: expected at most"),
        ("evaluator.trained.device=moon", "evaluator.trained.device: cannot use moon"),
    ],
)
def test_mistakes_name_the_part(
    change: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["search", "evaluator=scored_proxy", change, f"run={tmp_path / 'run'}"])
    told = capsys.readouterr().err.strip().splitlines()
    assert stopped.value.code == 2
    assert len(told) == 1
    assert message in told[0]
    assert not (tmp_path / "run").exists()
