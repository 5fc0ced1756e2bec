"""What a command says before it begins and when it ends: the plan, and commands that go on."""

import re
import shlex
from pathlib import Path

import pytest

from nas.cli import VERBS, main
from nas.cli.compose import compose
from nas.cli.next_steps import data_arguments, next_steps
from nas.cli.overrides import Arguments, read_arguments
from nas.evaluators.base import Effort, Evaluator, Report
from nas.verbs.time_plan import sweep_plan
from search_spaces.arch import Arch
from search_spaces.zoo import zoo

TOY = ["evaluator=custom", "evaluator._target_=toy.Toy", "sampler=random", "search.workers=1"]
NONE = Arguments((), ())


class Timed(Evaluator):
    """Says that each network takes so many core-seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
        return 0.5

    def effort(self, arch: Arch) -> Effort:
        return Effort(evaluation=self.seconds)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def composed(verb: str, *given: str) -> dict[str, object]:
    from omegaconf import OmegaConf

    settings = compose(verb, read_arguments(VERBS[verb], given)).settings
    plain = OmegaConf.to_container(OmegaConf.create(settings), resolve=True)
    assert isinstance(plain, dict)
    return {str(name): value for name, value in plain.items()}


@pytest.mark.parametrize(
    "given",
    [
        ["data=imagefolder", "data.path=my photos/pets (2)"],
        ["data=pets", "data.val_fraction=0.3"],
        ["data=digits", "data.limit=300"],
        ["experiment=cifar10", "data.path=~/cifar10"],
        ["data=imagefolder", "data.path=x", "data.name=it's"],
    ],
)
def test_a_training_that_follows_is_on_the_same_data(given: list[str]) -> None:
    data = composed("search", *given)["data"]
    assert isinstance(data, dict)
    again = data_arguments(data, NONE)
    assert composed("train", *again)["data"] == data
    # A shell reads the words back as they were.
    assert shlex.split(shlex.join(again)) == again


def test_what_follows_a_search_names_its_data_and_experiment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(
        ["search", "run=my run", "search.trials=3", "data.limit=500", "reward.exponent=-0.1", *TOY]
    )
    err = capsys.readouterr().err
    (step,) = re.findall(r"^next +nas-search (sweep .*)$", err, re.MULTILINE)
    verb, *words = shlex.split(step)
    assert words[0] == "my run/baseline.yaml"
    assert set(words[1:]) == {"data.limit=500", *TOY[:2]}
    # The command is one that there is.
    composed(verb, *words)
    assert "nas-search dashboard 'my run'" in err


def test_what_follows_names_the_files_that_there_are(tmp_path: Path) -> None:
    config = {"run": str(tmp_path), "members": None, "name": None, "network": "a/b0.yaml"}
    data = {"data": composed("train")["data"]}
    assert next_steps("train", NONE, {**config, **data}) == []
    (tmp_path / "trained" / "b0").mkdir(parents=True)
    evaluate, predict, *_ = next_steps("train", NONE, {**config, **data})
    assert evaluate == f"nas-search evaluate {tmp_path}/trained/b0 data=digits"
    assert predict.startswith(f"nas-search predict {tmp_path}/trained/b0 ")
    assert next_steps("scale", NONE, {"run": str(tmp_path)}) == []
    assert next_steps("cost", NONE, {}) == []


def test_a_family_is_trained_on_the_data_that_its_run_was_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("r").mkdir()
    Path("r/config.yaml").write_text(
        "study: r\nsearch:\n  evaluator:\n    data: {_target_: nas.data.folders.ImageFolder,"
        " path: pets}\n"
    )
    main(["scale", "efficientnet_b0", "run=r"])
    err = capsys.readouterr().err
    assert "nas-search train r/family/b0.yaml data=imagefolder data.path=pets\n" in err


def test_the_plan_is_said_before_anything_is_trained(capsys: pytest.CaptureFixture[str]) -> None:
    told = ["search", "run=r", *TOY[2:], "evaluator=custom"]
    timed = [*told, "evaluator._target_=biased.Told", "+evaluator.alone._target_=biased.ToldAlone"]
    main([*timed, "search.trials=6"])
    err = capsys.readouterr().err
    (plan,) = re.findall("^plan: .*$", err, re.MULTILINE)
    assert re.match(
        r"plan: 6 trials of about 0\.5 core-seconds by a timed step: about 1:43; "
        r"disk: about 0\.\d MB, [\d.,]+ GB free$",
        plan,
    )
    assert err.index("plan: ") < err.index("search 1/6")
    main([*timed, "search.trials=8"])
    err = capsys.readouterr().err
    assert "plan: 2 trials" in err
    assert ", 6 on record;" in err
    main([*timed, "search.trials=8"])
    assert "plan: " not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("left", "seconds", "said"),
    [
        (4, 0.2, " of about 0.2 core-seconds by a timed step, 2 side by side: under a minute"),
        (1, 40.0, " of about 40 core-seconds by a timed step: about 0:40"),
        (3, 40.0, " of about 40 core-seconds by a timed step, 2 side by side: about 1:00"),
    ],
)
def test_a_plan_counts_on_no_more_workers_than_trials(left: int, seconds: float, said: str) -> None:
    evaluator = Timed(seconds)
    config = {"workers": 2, "executor": {"name": "local"}}
    assert sweep_plan(evaluator, [zoo("efficientnet_b0")], left, config).endswith(said)


def test_a_time_in_place_of_trials_is_planned_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "run=r", "search.budget=2s", *TOY])
    err = capsys.readouterr().err
    assert "plan: trials that end within 0:02; a number of trials does not count beside" in err
    assert "search 1/" in err
    assert "budget: 2s" in Path("r/config.yaml").read_text()


@pytest.mark.parametrize("given", ["30", "soon", "0s", "[1m]", "true"])
def test_what_is_no_time_is_one_line(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["search", "run=r", f"search.budget={given}", *TOY])
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("nas-search: search.budget: expected a time such as 90s, 30m or 2h, got ")
    assert err.count("\n") == 1
    assert not Path("r").exists()


@pytest.mark.parametrize("verb", ["run", "search", "sweep"])
@pytest.mark.parametrize("effort", ["minute", "hour", "day"])
def test_a_preset_is_overridden_by_what_is_given(verb: str, effort: str) -> None:
    own = ["sweep.budget=11"] if verb == "sweep" else ["search.budget=17m"]
    settings = compose(verb, read_arguments(VERBS[verb], [f"effort={effort}", *own]))
    name, _, value = own[0].partition("=")
    assert str(settings.at(name)) == value
    assert settings.choices["effort"] == effort
