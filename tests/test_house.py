"""The house keeps its shape: rooms, arrows between them, and files that can be read at once."""

import statistics
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("nas", "scaling_search", "search_spaces")
SOURCES = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
TESTS = list((ROOT / "tests").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_every_module_of_nas_lies_in_a_room() -> None:
    assert [path.name for path in (ROOT / "nas").glob("*.py")] == ["__init__.py"]


def test_every_room_has_a_layer() -> None:
    rooms = {f"nas.{path.parent.name}" for path in (ROOT / "nas").glob("*/__init__.py")}
    (layers,) = (
        contract["layers"]
        for contract in PROJECT["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    named = [name.strip() for name in chain(*(layer.split("|") for layer in layers))]
    assert sorted(named) == sorted(rooms | {"scaling_search", "search_spaces"})


def test_no_arrow_points_upward_and_none_goes_round() -> None:
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(
        [*lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_longer_than_one_idea() -> None:
    assert [str(path) for path in (*SOURCES, *TESTS) if lines(path) > 400] == []


def test_most_files_fit_on_a_few_screens() -> None:
    assert statistics.median(map(lines, SOURCES)) <= 150


def test_the_library_loads_no_framework_by_itself() -> None:
    heavy = "('torch', 'ray', 'plotly', 'optuna', 'hydra', 'pandas')"
    code = f"import sys, nas; sys.exit([m for m in {heavy} if m in sys.modules] or 0)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
