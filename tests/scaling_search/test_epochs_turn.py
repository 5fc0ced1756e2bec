"""Trainings of other lengths: whether the best direction turns with them, and nothing is mixed."""

import json
from collections import Counter
from dataclasses import replace

import pytest
import yaml

from nas.dashboard.frames import load_run
from nas.trainings.engine import Trainer
from nas.trainings.log import SWEEP, TrainingLog
from scaling_search.expected import forecast_in
from scaling_search.grow.family import formula_family, read_constants
from scaling_search.grow.grid import make_grid
from scaling_search.judge.observations import directions_of, observe
from scaling_search.plan import star_of
from scaling_search.rule.compound import COMPOUND, PAPER
from scaling_search.settings import SweepSettings
from scaling_search.sweep import plan_sweep, run_sweep
from search_spaces.errors import UserError
from search_spaces.zoo import zoo
from short_long import Trained, Untrained
from synthetic import here, nowhere

B0 = zoo("efficientnet_b0")
SETTINGS = SweepSettings(step=0.1, phi=3.0, epochs=(8,), budget=24, tolerance_points=0)


def trainers(evaluator, *lengths, **changes):
    others = {epochs: replace(evaluator, epochs=epochs, **changes) for epochs in lengths}
    return {epochs: Trainer(other, here(other)) for epochs, other in others.items()}


def swept(evaluator, folder, settings=SETTINGS, **more):
    lengths = more.pop("lengths", trainers(evaluator, *settings.epochs))
    return run_sweep(B0, settings, evaluator, folder, here(evaluator), lengths=lengths, **more)


def test_a_direction_that_turns_with_the_length_of_training_is_told(tmp_path):
    result = swept(Trained(late=(0.1, 0.1, 0.8)), tmp_path)
    assert result.turn_with_epochs.turns
    assert result.turn_with_cost is None
    written = yaml.safe_load((tmp_path / "constants.yaml").read_text())
    said = written["turn_with_epochs"]
    assert said.startswith("The best direction turns with the length of training: ")
    assert " after 4 epochs, " in said
    assert said.endswith(" after 8 epochs; constants of one length mislead at another.")
    after_four, after_eight = result.turn_with_epochs.constants.values()
    assert after_four["beta"] > after_eight["beta"]
    assert after_four["gamma"] < after_eight["gamma"]
    # The family is grown from what the sweep's own trainings say.
    assert read_constants(tmp_path / "constants.yaml") == result.constants
    assert result.constants["beta"] > 1.2


def test_a_direction_that_stays_is_not_said_to_turn_with_the_length(tmp_path):
    settings = replace(SETTINGS, epochs=(2, 8))
    result = swept(Trained(), tmp_path, settings)
    assert not result.turn_with_epochs.turns
    said = result.turn_with_epochs.verdict
    assert said.startswith("The best direction is not seen to turn from 2 epochs (")
    assert ") to 4 epochs (" in said
    assert ") to 8 epochs (" in said


def test_the_baseline_and_the_star_are_trained_once_a_length_after_the_rest(tmp_path):
    settings = replace(SETTINGS, epochs=(8, 2))
    plan = plan_sweep(B0, settings, tmp_path)
    assert str(plan).endswith("at most 40 in all, 0 on record; 16 of all are of 8 or 2 epochs")
    told = []
    swept(Trained(), tmp_path, settings, progress=told.append)
    records = TrainingLog(tmp_path / SWEEP).read()
    star = [grown.arch.key() for grown in star_of(settings, make_grid(B0, settings))]
    assert len(star) == 8
    assert star[0] == B0.key()
    own = len(records) - 16
    assert [(record.evaluator, record.key, record.seed) for record in records[own:]] == [
        (f"epochs {epochs}", key, 0) for epochs in (8, 2) for key in star
    ]
    assert {record.evaluator for record in records[:own]} == {""}
    assert (told[-1].done, told[-1].total) == (own + 16, own + 16)
    assert told[0].total >= 16
    done = plan_sweep(B0, settings, tmp_path)
    assert (done.todo, done.most, done.done) == (0, 40, own + 16)


def test_what_was_trained_for_other_epochs_changes_nothing_else(tmp_path):
    plain, both = tmp_path / "plain", tmp_path / "both"
    evaluator = Trained(late=(0.1, 0.1, 0.8))
    without = swept(evaluator, plain, replace(SETTINGS, epochs=()))
    result = swept(evaluator, both)
    assert result.constants == without.constants
    assert result.estimate == without.estimate
    assert (both / "sweep.csv").read_text() == (plain / "sweep.csv").read_text()
    # What reads the folder takes no training of eight epochs for one of four.
    pages = [load_run(folder, COMPOUND).sweep for folder in (plain, both)]
    assert pages[0].equals(pages[1])
    members = formula_family(B0, PAPER, (1.0, 2.0))
    assert forecast_in(plain, members) == forecast_in(both, members)
    directions = directions_of(make_grid(B0, SETTINGS))
    records = TrainingLog(both / SWEEP).read()
    seen = [observe(records, B0, directions, evaluator=name) for name in ("", "epochs 8")]
    assert [int(each.counts.sum()) for each in seen] == [len(records) - 8, 8]


def test_an_interrupted_length_goes_on_and_trains_nothing_twice(tmp_path):
    whole, diary = tmp_path / "whole", tmp_path / "diary"
    result = swept(Trained(), whole)
    killed, own = tmp_path / "killed", len(TrainingLog(whole / SWEEP).read()) - 8
    for lines in (own - 4, own + 3, own + 6):
        evaluator = Trained(diary=str(diary), stops_after=lines)
        with pytest.raises(KeyboardInterrupt):
            swept(evaluator, killed)
        assert not (killed / "constants.yaml").exists()
        assert len((killed / SWEEP).read_text().splitlines()) == lines
    again = swept(Trained(diary=str(diary)), killed)
    assert set(Counter(diary.read_text().splitlines()).values()) == {1}
    assert again.turn_with_epochs.verdict == result.turn_with_epochs.verdict
    names = "constants.yaml", "sweep.csv"
    assert [(killed / n).read_text() for n in names] == [(whole / n).read_text() for n in names]
    # All is on record: nothing is trained to say it again.
    nothing = Trainer(Trained(epochs=8), nowhere)
    said = run_sweep(B0, SETTINGS, Trained(), killed, nowhere, lengths={8: nothing})
    assert said.turn_with_epochs.verdict == result.turn_with_epochs.verdict


def test_another_length_is_added_to_a_finished_sweep(tmp_path):
    swept(Trained(), tmp_path, replace(SETTINGS, epochs=()))
    other = trainers(Trained(), 8)
    result = run_sweep(B0, SETTINGS, Trained(), tmp_path, nowhere, lengths=other)
    assert list(result.turn_with_epochs.constants) == [4, 8]
    evaluators = [json.loads(x)["evaluator"] for x in (tmp_path / SWEEP).read_text().splitlines()]
    assert evaluators == [""] * (len(evaluators) - 8) + ["epochs 8"] * 8


def test_a_length_of_which_every_training_fails_is_said_to_be_untold(tmp_path):
    result = swept(Trained(), tmp_path, lengths=trainers(Trained(), 8, failing=True))
    assert result.turn_with_epochs.verdict == (
        "All trainings of 8 epochs failed; the first, seed 0: diverged."
    )
    assert not result.turn_with_epochs.turns
    assert result.failed == 8


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": (0,)}, "^epochs: expected whole numbers of at least 1, got 0"),
        ({"epochs": (2.5,)}, "^epochs: expected whole numbers of at least 1, got 2.5"),
        ({"epochs": (True,)}, "^epochs: expected whole numbers of at least 1, got True"),
        ({"epochs": (8, 8)}, r"^epochs: expected each number once, got \[8, 8\]"),
        ({"strategy": "race"}, "^epochs: trained by strategy=model alone, not by race"),
        ({"asha": 1}, "^epochs: lengths are compared of trainings that reach their end"),
    ],
)
def test_numbers_of_epochs_are_checked(changes, said):
    with pytest.raises(UserError, match=said):
        replace(SETTINGS, **changes)


@pytest.mark.parametrize(
    ("evaluator", "lengths", "said"),
    [
        (Trained(epochs=8), {8: Trained(epochs=8)}, "other than the evaluator's own 8, got 8"),
        (Trained(), {8: Trained(epochs=4)}, "^epochs: 8: its evaluator trains for 4"),
        (Trained(), {}, r"^epochs: expected a trainer for each of \[8\], got \[\]"),
        (Untrained(), {8: Untrained()}, "^epochs: Untrained trains for no number of epochs"),
        (Trained(), {8: Untrained()}, "^epochs: Untrained trains for no number of epochs"),
    ],
)
def test_what_cannot_train_for_these_epochs_is_told_before_anything_is(
    evaluator, lengths, said, tmp_path
):
    given = {epochs: Trainer(each, nowhere) for epochs, each in lengths.items()}
    with pytest.raises(UserError, match=said) as error:
        run_sweep(B0, SETTINGS, evaluator, tmp_path / "r", nowhere, lengths=given)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "r").exists()
