"""Help shows the settings of what the command line chooses, and nothing else."""

from pathlib import Path

import pytest

from nas.cli import VERBS, main


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    main([*arguments, "--help"])
    return capsys.readouterr().out.splitlines()


def section(lines: list[str], name: str) -> list[str]:
    """The lines of a group's settings."""
    start = next(i for i, line in enumerate(lines) if line.startswith(f"  {name}:"))
    inner = lines[start + 1 :]
    end = next((i for i, line in enumerate(inner) if not line.startswith("    ")), len(inner))
    return [line.strip() for line in inner[:end]]


def test_a_sweep_is_told_all_of_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "sweep")
    names = [line.partition(":")[0] for line in section(lines, "sweep")]
    assert {"strategy", "seeds", "step", "band", "phi", "budget"} <= set(names)
    assert "strategy: model" in section(lines, "sweep")
    assert not any("defaults" in line or "_self_" in line for line in lines)


def test_settings_are_of_the_options_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    data = section(shown(capsys, "run", "data=imagefolder"), "data")
    assert any(line.startswith("path: ???") for line in data)
    assert any(line.startswith("mirror: true") and "mirror image" in line for line in data)
    lines = shown(capsys, "search", "evaluator=scored_proxy_macro", "experiment=cifar10")
    evaluator = section(lines, "evaluator")
    assert "trained:" in [line.partition("  #")[0] for line in evaluator]
    assert any(line.startswith("scores: [naswot, jacov, grad_norm]") for line in evaluator)
    assert "image_column: image" in section(lines, "data")
    assert any("parquet*" in line for line in lines)
    assert any("cifar10*" in line for line in lines)


def test_a_value_that_is_given_is_the_one_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "search", "search.trials=7", "run=my (run)")
    assert any(line.startswith("trials: 7") for line in section(lines, "search"))
    assert any(line.startswith("  run: my (run)") for line in lines)


def test_options_of_ones_own_are_among_them(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine/space").mkdir(parents=True)
    Path("mine/space/tiny.yaml").write_text("# Four.\nname: tiny\nvary: {kernel: [3]}  # odd\n")
    lines = shown(capsys, "search", "--config-dir", "mine")
    assert any(line.split()[:1] == ["space"] and "kernel_expand*" in line and "tiny" in line
               for line in lines)  # fmt: skip
    lines = shown(capsys, "search", "--config-dir", "mine", "space=tiny")
    assert any("tiny*" in line for line in lines)
    assert "  space:  # Four." in lines
    assert section(lines, "space")[0] == "name: tiny"


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_names_every_setting(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from nas.verbs.setting_types import checked
    from search_spaces.errors import UserError

    lines = shown(capsys, verb)
    names = {line.strip().partition(":")[0] for line in lines}
    config: dict[str, object] = {}
    while True:  # what is missing is named, one by one
        try:
            checked(VERBS[verb].settings, config)
            return
        except UserError as error:
            name = str(error).partition(":")[0].partition(".")[0]
            if name in config:
                return
            assert name in names
            config[name] = None


def test_a_mistake_beside_help_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["search", "search.trails=3", "--help"])
    assert stopped.value.code == 2
    assert "did you mean 'search.trials'" in capsys.readouterr().err


def test_train_lists_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "train")
    assert "  executor  local*, ray" in lines
    (recipes,) = [line for line in lines if "small*" in line]
    assert "short" not in recipes
    assert "finetune" in recipes
    assert not any("search.workers" in line for line in lines)
