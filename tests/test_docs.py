"""What the documentation shows is run as it stands there."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from nas.cli import main
from search_spaces.yaml_io import read_about

DOCS = Path(__file__).parent.parent / "docs" / "how-to"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [block for found, block in fenced if found == language]


def arguments(command: str) -> list[str]:
    """What a shell makes of a command that goes on behind backslashes, without the program."""
    return shlex.split(command.replace("\\\n", " "))[1:]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_the_evaluator_of_ones_own_searches() -> None:
    (code,) = blocks("extending.md", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    Path("my_evaluator.py").write_text(code)
    main(arguments(blocks("extending.md", "")[0]))
    assert read_about("results/layers/baseline.yaml")["seeds"] == 1


def test_the_space_of_ones_own_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    (space,) = blocks("extending.md", "yaml")
    Path("my_conf/space").mkdir(parents=True)
    Path("my_conf/space/wide.yaml").write_text(space)
    toy = ["evaluator=custom", "evaluator._target_=toy.Toy"]
    main([*arguments(blocks("extending.md", "")[1]), *toy, "search.trials=2", "run=r"])
    assert "baseline" in capsys.readouterr().out


def test_the_sampler_of_ones_own_searches() -> None:
    (code,) = blocks("search.md", "python")
    Path("my_sampler.py").write_text(code)
    command = blocks("search.md", "")[-1].replace("\\\n", " ").strip().splitlines()[-1]
    toy = ["evaluator=custom", "evaluator._target_=toy.Toy"]
    main([*arguments(command), *toy, "search.trials=6", "run=r"])
    assert read_about("r/baseline.yaml")["seeds"] == 1


def test_the_tracker_of_ones_own_is_told_each_trial() -> None:
    (code,) = blocks("trackers.md", "python")
    Path("my_tracker.py").write_text(code)
    command = blocks("trackers.md", "")[-1]
    toy = ["evaluator=custom", "evaluator._target_=toy.Toy"]
    main([*arguments(command), *toy, "search.trials=3", "run=r"])
    rows = [json.loads(line) for line in Path("r/values.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if row["series"] == "search"] == [0, 1, 2]


def test_what_is_shown_of_the_functions_runs() -> None:
    names: dict[str, Any] = {}
    for block in blocks("python.md", "python"):
        exec(block, names)
    assert names["b0"].folder == Path("results/py/trained/b0")
    assert [Path("results/py", each).exists() for each in ("baseline.yaml", "constants.yaml")]
    assert Path("search.html").exists()
    assert names["module"].name == "b0_timm.py"
    assert names["deep"].record.accuracy == max(names["deep"].records["accuracy"])
    assert read_about("larger.yaml") == {"source": "by hand"}
    assert names["model"].__class__.__name__ == "Network"
    assert len(names["records"]) == 4


def test_what_is_shown_of_networks_runs() -> None:
    methods, begin = blocks("networks.md", "python")[2:]
    names: dict[str, Any] = {}
    exec(methods.replace("224", "64"), names)
    assert [feature.shape[-1] for feature in names["pyramid"]] == [16, 8, 4, 2]
    assert names["model"].num_classes == 37
    exec(begin, names)
    assert names["b1"].arch.resolution == 240
