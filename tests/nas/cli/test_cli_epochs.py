"""`sweep.epochs=[…]`: what the terminal says of it, what is refused, and what is left of it."""

from pathlib import Path

import pytest
import yaml

from nas.cli import main
from nas.dashboard.frames import load_run
from nas.dashboard.state import run_state
from nas.dashboard.write import write_dashboard
from nas.trainings.log import SWEEP, TrainingLog
from nas.verbs.epochs import trained_for
from scaling_search.rule.compound import COMPOUND

HERE = [
    "run=r",
    "executor=local",
    "workers=1",
    "sweep.step=0.1",
    "sweep.budget=20",
    "sweep.tolerance_points=0",
]
TRAINED = ["evaluator=custom", "evaluator._target_=short_long.Trained", "+evaluator.epochs=4"]
UNTRAINED = ["evaluator=custom", "evaluator._target_=short_long.Untrained"]
SEARCH = ["run", "run=r", "sweep_executor.name=local", "search.trials=2"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_terminal_says_whether_the_direction_turns(capsys: pytest.CaptureFixture[str]) -> None:
    # Ten times as wide apart as the trainings' noise: after eight epochs resolution is best.
    late = ["+evaluator.late=[0.1,0.1,0.8]", "+evaluator.sigma=0.0001"]
    asked = ["sweep", *HERE, *TRAINED, *late, "sweep.epochs=[8]", "+evaluator.diary=diary"]
    main(asked)
    told = capsys.readouterr()
    assert "0 on record; 8 of all are of 8 epochs" in told.out
    assert "The best direction turns with the length of training: " in told.out
    written = yaml.safe_load(Path("r/constants.yaml").read_text())
    assert written["turn_with_epochs"] in told.out
    assert written["turn_with_cost"] is None
    assert written["evaluator"]["epochs"] == 4
    by = [record.evaluator for record in TrainingLog(Path("r") / SWEEP).read()]
    own = len(by) - 8
    assert by == [""] * own + ["epochs 8"] * 8
    assert f"{own + 8}/{own + 8}" in told.err
    epochs = [line.split()[0] for line in Path("diary").read_text().splitlines()]
    assert epochs == ["4"] * own + ["8"] * 8
    main(asked)
    again = capsys.readouterr()
    assert again.out.splitlines()[-8:] == told.out.splitlines()[-8:]
    assert len(Path("diary").read_text().splitlines()) == own + 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["sweep", *HERE, *UNTRAINED, "sweep.epochs=[8]"],
            "sweep.epochs: short_long.Untrained has no epochs to change",
        ),
        (
            [*SEARCH, *UNTRAINED, "sweep.epochs=[8]"],
            "sweep.epochs: short_long.Untrained has no epochs to change",
        ),
        (
            ["sweep", *HERE, *TRAINED, "sweep.epochs=[8,4]"],
            "sweep.epochs: expected numbers other than the evaluator's own 4, got 4",
        ),
        (
            [*SEARCH, *TRAINED, "sweep.epochs=[4]"],
            "sweep.epochs: expected numbers other than the evaluator's own 4, got 4",
        ),
        (
            ["sweep", *HERE, *TRAINED, "sweep.epochs=[0]"],
            "sweep.epochs: expected whole numbers of at least 1, got 0",
        ),
        (["sweep", *HERE, *TRAINED, "sweep.epochs=[long]"], "sweep.epochs[0]: expected"),
        (["sweep", *HERE, *TRAINED, "sweep.epochs=[2.5]"], "sweep.epochs[0]: expected"),
        (["sweep", *HERE, *TRAINED, "sweep.epochs=8"], "sweep.epochs: expected"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_trained(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    told = capsys.readouterr()
    assert said in told.err
    assert len(told.err.splitlines()) == 1
    assert not Path("r").exists()


def test_an_evaluator_made_of_others_is_trained_longer_wherever_it_trains() -> None:
    config = {
        "evaluator": {
            "_target_": "made.of.Others",
            "trained": {"_target_": "some.Proxy", "epochs": 3, "recipe": {"warmup_epochs": 1}},
            "untrained": {"_target_": "some.Scores", "images": 64},
        },
        "run": "r",
    }
    found = trained_for(config, (8, 12))
    assert list(found) == [8, 12]
    assert found[8]["evaluator"]["trained"] == {
        "_target_": "some.Proxy", "epochs": 8, "recipe": {"warmup_epochs": 1},
    }  # fmt: skip
    assert found[12]["evaluator"]["trained"]["epochs"] == 12
    assert found[8]["evaluator"]["untrained"] == config["evaluator"]["untrained"]
    assert found[8]["run"] == "r"
    assert config["evaluator"]["trained"]["epochs"] == 3


def test_the_page_says_it_and_how_far_a_killed_one_has_come() -> None:
    asked = ["sweep", *HERE, *TRAINED, "sweep.epochs=[8]"]
    main([*asked, "sweep.epochs=[]"])
    finished = load_run(Path("r"), COMPOUND)
    assert run_state(finished) == ""
    log, constants = Path("r") / SWEEP, Path("r/constants.yaml")
    before = constants.read_bytes()
    own = len(log.read_bytes().splitlines())
    main(asked)
    # As a kill leaves it after three trainings of eight epochs.
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[: own + 3]))
    constants.write_bytes(before)
    killed = load_run(Path("r"), COMPOUND)
    assert run_state(killed) == f"Not finished: the sweep, {own + 3} of at most 28 trainings."
    assert killed.sweep["accuracy"].equals(finished.sweep["accuracy"])
    assert killed.sweep["trainings"].equals(finished.sweep["trainings"])
    main(asked)
    assert run_state(load_run(Path("r"), COMPOUND)) == ""
    said = yaml.safe_load(constants.read_text())["turn_with_epochs"]
    assert said.startswith("The best direction is not seen to turn from 4 epochs (")
    assert f"{said}</p>" in write_dashboard(Path("r"), COMPOUND).read_text("utf-8")
