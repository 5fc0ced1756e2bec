"""`nas-search ablate parts=[…]`: what it says, what it refuses, and what is left of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from nas.cli import main
from nas.dashboard.frames import load_run
from nas.dashboard.write import write_dashboard
from nas.trainings.log import TrainingLog
from scaling_search.rule.compound import COMPOUND

PLANTED = [
    "evaluator=custom", "evaluator._target_=planted.Planted", "+evaluator.recipe=${recipe}",
]  # fmt: skip
HERE = ["run=r", "ratio=2", "executor=local", "workers=1"]
ALL = ["ablate", "parts=[recipe,architecture,scaling]", *HERE, *PLANTED]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


def test_it_says_what_each_part_is_worth(capsys: pytest.CaptureFixture[str]) -> None:
    main(ALL)
    told = capsys.readouterr()
    assert told.err.splitlines()[0] == (
        "24 trainings (8 arms × 3 seeds); how long they take is known after the first"
    )
    assert "ablate 24/24 · plain recipe, mobilenet_v1_w0.821_width: 0." in told.err
    assert "efficientnet_b0_compound  771,267,520  -0.05%" in told.out
    assert "recipe × architecture" in told.out
    assert "Between all plain and full lie " in told.out
    assert "points of proxy accuracy: recipe brings 3." in told.out
    assert "written to r: parts.csv, effects.csv, parts.jsonl" in told.out
    main(ALL)
    again = capsys.readouterr()
    assert again.out == told.out
    assert again.err == ""


def test_the_plain_recipe_leaves_out_what_regularises() -> None:
    main([*ALL, "parts=[recipe]", "seeds=2", "+evaluator.dropout=0.3", "+evaluator.diary=diary"])
    trained = [line.split() for line in Path("diary").read_text().splitlines()]
    assert [(schedule, dropout) for schedule, _, _, dropout in trained] == [
        ("cosine", "0.3"),
        ("cosine", "0.3"),
        ("exponential", "0.0"),
        ("exponential", "0.0"),
    ]


def test_the_page_shows_a_killed_one_and_a_finished_one() -> None:
    main(ALL)
    log = Path("r/parts.jsonl")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:9]))
    text = write_dashboard(Path("r"), COMPOUND).read_text("utf-8")
    assert "Not finished: the parts, 9 of 24 trainings." in text
    assert "Recipe or scaling?" in text
    assert "What each part is worth" not in text
    main(ALL)
    frames = load_run(Path("r"), COMPOUND)
    assert frames.parts.effects is not None
    assert [arm.trainings for arm in frames.parts.arms] == [3] * 8
    text = write_dashboard(Path("r"), COMPOUND).read_text("utf-8")
    assert "3 parts taken apart." in text
    assert "Not finished" not in text
    assert "What each part is worth" in text
    assert "points of proxy accuracy: recipe brings 3." in text
    assert "plain architecture, scaling" in text


def test_an_arm_that_fails_is_told_on_the_terminal_and_on_the_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([*ALL, "seeds=2", "+evaluator.fails='01'"])
    told = capsys.readouterr().out
    assert "No effects can be told: plain recipe, architecture; all plain failed with" in told
    assert "seed 0: diverged: loss nan at epoch 1" in told
    text = write_dashboard(Path("r"), COMPOUND).read_text("utf-8")
    assert "No effects can be told: an arm failed with every seed." in text
    assert "seed 0: diverged: loss nan at epoch 1" in text


def test_a_training_that_fails_is_named_beside_the_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([*ALL, "+evaluator.fails='1'"])
    told = capsys.readouterr().out
    assert "Without the trainings that failed, of plain recipe, architecture; all plain." in told


def test_settings_of_the_recipes_are_kept_and_another_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([*ALL, "parts=[recipe]", "seeds=2"])
    before = Path("r/config.yaml").read_bytes()
    stages = yaml.safe_load(before)
    assert stages["parts"]["asked"]["parts"] == ["recipe"]
    assert refused(*ALL, "parts=[recipe]", "plain_recipe.lr=0.2") == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "nas-search: r holds a plain recipe made with evaluator.recipe.lr=0.1, not "
        "0.2: give another folder with run=…, or the same configuration"
    )
    assert refused(*ALL, "recipe.lr=0.3", "parts=[scaling]") == 2
    assert Path("r/config.yaml").read_bytes() == before
    assert len(TrainingLog(Path("r/parts.jsonl")).read()) == 4


def test_any_executor_leaves_the_same_records(two_nodes: Any) -> None:
    logs = []
    for kind in ("local", "ray", "ray_tune"):
        ray = [f"executor={kind}", f"ray.address={two_nodes.address}", f"run={kind}"]
        main([*ALL, "parts=[recipe]", "seeds=2", *ray])
        records = TrainingLog(Path(kind) / "parts.jsonl").read()
        logs.append([replace(each, seconds=0, processor_seconds=0) for each in records])
    assert len(logs[0]) == 4
    assert logs[0] == logs[1] == logs[2]


def test_time_is_told_by_an_ablation_in_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    slow = [*HERE, "evaluator=custom", "evaluator._target_=toy.Toy", "+evaluator.seconds=0.01"]
    main(["ablate", "train=true", "seeds=1", *slow])
    capsys.readouterr()
    main(["ablate", "parts=[scaling]", *slow])
    told = capsys.readouterr().err
    assert "6 trainings (2 arms × 3 seeds); about 0:00 for one worker, by the trainings" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["parts=[recipe,archtecture]"], "parts: got 'archtecture'; did you mean 'architecture'?"),
        (["parts=[recipe,recipe]"], "parts: expected each once, got ['recipe', 'recipe']"),
        (["parts=[]"], "parts: expected a list of some of recipe, architecture, scaling, got []"),
        (
            ["parts=recipe"],
            "parts: expected a list of some of recipe, architecture, scaling, got 'recipe'",
        ),
        (["parts=[[recipe]]"], "parts: got ['recipe']"),
        (
            ["parts=[scaling]", "ratios=[2,4]"],
            "ratios: parts are compared at one cost; expected ratio=… in its place",
        ),
        (["parts=[scaling]", "ratio=two"], "ratio: expected a number, got 'two'"),
        (["parts=[scaling]", "seeds=1"], "seeds: expected at least 2"),
        (["parts=[scaling]", "plain_scaling=widht"], "plain_scaling: got 'widht'; did you mean"),
        (
            ["parts=[architecture]", "plain_baseline=efficientnet_b0"],
            "plain_baseline: efficientnet_b0 is the same network as efficientnet_b0",
        ),
        (
            ["parts=[architecture]", "plain_baseline=mobilnet"],
            "'mobilnet' is neither a network of the zoo",
        ),
        (
            ["parts=[recipe]", "recipe=plain"],
            "parts: recipe and plain_recipe are the same; expected another recipe=…",
        ),
        (
            ["parts=[recipe]", "evaluator=table", "evaluator.path=t.csv", "+space=mnasnet"],
            "parts: recipe: nas.evaluators.table.TableEvaluator has none to exchange; expected an "
            "evaluator that trains, such as evaluator=proxy, or parts without recipe",
        ),
    ],
)
def test_what_cannot_be_taken_apart_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused("ablate", *HERE, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"nas-search: {message}")
    assert len(error.splitlines()) == 1
    assert list(Path.cwd().iterdir()) == []
