"""What is read of a run folder, whole or in part."""

import math
from pathlib import Path

import pytest
import yaml

import run_folder
from nas.dashboard.frames import (
    ABLATION_FLAGS,
    ABLATION_NUMBERS,
    ABLATION_WORDS,
    SWEEP_FLAGS,
    SWEEP_NUMBERS,
    SWEEP_WORDS,
    TRIAL_FLAGS,
    TRIAL_NUMBERS,
    TRIAL_WORDS,
    load_run,
)
from nas.dashboard.settings import REWARDS
from nas.dashboard.wording import reward_words
from nas.defaults.conf import config_dir
from nas.runs import trials_csv
from nas.searches.rewards import Absolute, Front, Hard, Soft
from scaling_search import ablate, files
from scaling_search.grow import ablation
from scaling_search.rule.compound import COMPOUND
from search_spaces.errors import UserError


def test_a_whole_run_is_read(tmp_path: Path) -> None:
    frames = load_run(run_folder.write_run(tmp_path / "run"), COMPOUND)
    assert len(frames.finished) == 31
    assert list(frames.failed["number"]) == [5]
    assert frames.failed["reason"].tolist() == ["the loss became NaN in epoch 2"]
    assert len(frames.sweep) == 46
    assert frames.sweep["winner"].sum() == 1
    assert list(frames.family["name"]) == [f"B{i}" for i in range(8)]
    assert list(frames.family["phi"]) == [0, 0.5, 1, 2, 3.5, 5, 6, 7]
    assert frames.choices[0] == "s0_kernel"
    assert "s6_expand" in frames.choices
    assert len(frames.choices) == 13
    assert frames.baseline is not None
    assert frames.baseline.resolution == 224
    assert frames.family.loc[0, ["params", "macs", "pixels", "blocks"]].tolist() == [
        5288548, 385814752, 224, 16,
    ]  # fmt: skip


def test_settings_are_those_of_each_stage(tmp_path: Path) -> None:
    run_folder.write_config(tmp_path, Hard(300e6))
    run_folder.write_search(tmp_path, 2)
    settings = load_run(tmp_path, COMPOUND).settings
    assert settings.reward == Hard(300e6)
    assert settings.space == "kernel_expand"
    assert settings.sampler == "TPESampler"
    assert settings.seed == "0"
    assert settings.search_evaluator["dataset"] == "digits"
    assert not settings.is_front


@pytest.mark.parametrize("reward", [Soft(4e8, -0.1), Hard(4e8), Absolute(4e8), Front(4e8)])
def test_every_reward_is_read_back(tmp_path: Path, reward: run_folder.Reward) -> None:
    run_folder.write_config(tmp_path, reward)
    run_folder.write_search(tmp_path, 1)
    assert load_run(tmp_path, COMPOUND).settings.reward == reward


@pytest.mark.parametrize("option", sorted((config_dir() / "reward").glob("*.yaml")))
def test_every_option_of_reward_has_its_words(option: Path) -> None:
    reward = REWARDS[yaml.safe_load(option.read_text())["_target_"]](target=4e8)
    assert reward_words(reward)
    assert reward(reward.accuracy_for(0.7, 3e8), 3e8) == pytest.approx(0.7)


def test_missing_parts_are_empty(tmp_path: Path) -> None:
    run_folder.write_family(tmp_path)
    frames = load_run(tmp_path, COMPOUND)
    assert frames.trials.empty
    assert frames.sweep.empty
    assert frames.settings.reward is None
    assert frames.baseline is None
    assert frames.constants == {}


def test_every_column_that_is_written_is_known() -> None:
    assert set(trials_csv.COLUMNS) - {"proposal", "curves"} == set(
        TRIAL_NUMBERS + TRIAL_FLAGS + TRIAL_WORDS
    )
    assert set(files.columns(COMPOUND)) == {
        *SWEEP_NUMBERS,
        *SWEEP_FLAGS,
        *SWEEP_WORDS,
        *COMPOUND.constant_names,
        *COMPOUND.names,
    }
    known = ABLATION_NUMBERS + ABLATION_FLAGS + ABLATION_WORDS
    assert set(ablate.COLUMNS) == set(known)
    assert set(ablation.columns(COMPOUND)) >= {"kind", "target_ratio", *COMPOUND.names}


def test_text_that_looks_like_something_else_stays_text(tmp_path: Path) -> None:
    rows = [
        {"number": "0", "state": "finished", "accuracy": "0.5", "macs": "1e8",
         "key": "0012345678901234", "front": "True", "s0_op": "none"},
        {"number": "1", "state": "finished", "accuracy": "0.5", "macs": "1e8",
         "key": "12e4567890123456", "front": "False", "s0_op": "NA"},
    ]  # fmt: skip
    run_folder.write_csv(tmp_path / "trials.csv", rows)
    frames = load_run(tmp_path, COMPOUND)
    assert list(frames.trials["key"]) == ["0012345678901234", "12e4567890123456"]
    assert list(frames.trials["s0_op"]) == ["none", "NA"]
    assert list(frames.trials["front"]) == [True, False]
    assert frames.trials["macs"].tolist() == [1e8, 1e8]
    assert math.isnan(frames.trials["reward"].iloc[0])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("trials.csv", 'a,b\n"1,2\n', "trials.csv: not a CSV table"),
        ("trials.csv", "", "trials.csv: not a CSV table"),
        ("config.yaml", "search: [", "config.yaml: line 1: not YAML"),
        ("baseline.yaml", "stages: []", "baseline.yaml: stages: expected at least one"),
        ("family/b0.yaml", "stage: []", "family/b0.yaml: unknown field 'stage'"),
        (
            "other.txt",
            "",
            "no run here, expected a log (study.db, sweep.jsonl, ablation.jsonl), a table "
            "(trials.csv, sweep.csv, ablation_accuracy.csv), family/*.yaml or trained/",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError) as error:
        load_run(tmp_path, COMPOUND)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such run folder"):
        load_run(tmp_path / "nowhere", COMPOUND)
