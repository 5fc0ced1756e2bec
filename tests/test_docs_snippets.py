"""What the documentation shows of Python runs, beside what tests/test_docs.py runs of it."""

import ast
from pathlib import Path
from typing import Any

import pytest

import nas
from documented import compose, furnish
from markdown_pages import DOCS, PAGES, ROOT, blocks, name_of
from trained_folders import DIGITS, write_trained

HOW_TO = DOCS / "how-to"


@pytest.fixture(autouse=True)
def _furnished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    furnish(tmp_path / "home")


def test_every_page_that_shows_python_is_run_by_a_test() -> None:
    shown = {name_of(page): len(blocks(page, "python")) for page in PAGES}
    here = {"README.md": 1, "docs/how-to/cluster.md": 1, "docs/how-to/sweep.md": 1}
    elsewhere = {  # tests/test_docs.py, and tests/nas/cli/test_defaults.py for the field of a class
        "docs/how-to/extending.md": 1,
        "docs/how-to/networks.md": 4,
        "docs/how-to/python.md": 5,
        "docs/how-to/search.md": 1,
        "docs/how-to/trackers.md": 1,
        "CONTRIBUTING.md": 1,
    }
    assert {page: count for page, count in shown.items() if count} == here | elsewhere


def test_the_first_page_loads_a_network_of_a_family(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(ROOT / "README.md", "python")
    names: dict[str, Any] = {}
    exec(code, names)
    assert capsys.readouterr().out == f"{nas.cost(names['arch']).macs}\n"
    assert isinstance(names["model"], nas.Network)


def test_weights_and_cards_are_loaded_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    weights, trained, *_ = blocks(HOW_TO / "networks.md", "python")
    nas.save_weights(nas.build(nas.zoo("efficientnet_b0")), "efficientnet_b0.safetensors")
    names: dict[str, Any] = {}
    exec(weights, names)
    assert names["model"].num_classes == 37
    write_trained(Path("results/pets"))
    capsys.readouterr()
    exec(trained, names)
    assert names["card"].classes == DIGITS
    assert "0.85 0.804 0.889" in capsys.readouterr().out


def test_a_sweep_of_ones_own_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(HOW_TO / "sweep.md", "python")
    small = code.replace("budget=40", "budget=2").replace("ProxyEvaluator()", "Toy()")
    names: dict[str, Any] = {}
    exec(f"from toy import Toy\n{small}", names)
    assert names["result"].estimate.verdict in capsys.readouterr().out


def test_a_script_for_a_cluster_is_understood() -> None:
    (code,) = blocks(HOW_TO / "cluster.md", "python")
    call = ast.parse(code).body[-1].value  # type: ignore[attr-defined]
    compose(" ".join(["nas-search", *ast.literal_eval(call.args[0])]))
