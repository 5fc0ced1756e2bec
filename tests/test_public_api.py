"""The public names: there, typed, documented, and cheap to import."""

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nas
from nas.cli import main

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", nas.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(nas, name) == getattr(nas, name)
    assert name in dir(nas)
    assert f"`{name}`" in (ROOT / "docs" / "how-to" / "python.md").read_text("utf-8")


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Serach'"):
        _ = nas.Serach


@pytest.mark.parametrize("name", nas.__all__)
def test_no_public_name_is_a_package_too(name: str) -> None:
    # Importing the package would put it in the name's place.
    assert importlib.util.find_spec(f"nas.{name}") is None


def test_importing_the_package_brings_no_framework() -> None:
    code = "import nas, sys; print(*sorted(m.partition('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "ray", "plotly", "pandas", "numpy", "optuna", "hydra", "yaml"}
    assert not heavy & set(done.stdout.split())


def test_what_needs_no_framework_brings_none() -> None:
    code = (
        "import nas, sys; nas.cost(nas.grow(nas.zoo('efficientnet_b0'), 1.2, 1.1, 260)); "
        "print(*sorted(m.partition('.')[0] for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "ray", "plotly", "optuna"} & set(done.stdout.split())


OF_TORCH = {
    *("Card", "Evaluation", "FeatureNetwork", "Network", "Prediction", "build", "inherit"),
    *("load_trained", "load_weights", "save_trained", "save_weights"),
}
"""What is made of torch's classes."""


def test_names_are_imported_without_a_framework() -> None:
    code = f"""
import sys, nas
heavy = {{"torch", "ray", "plotly", "pandas", "hydra", "omegaconf"}}
for name in set(nas.__all__) - {OF_TORCH}:
    getattr(nas, name)
    assert not heavy & sys.modules.keys(), name
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_family_needs_no_torch(tmp_path: Path) -> None:
    code = "import nas, sys; nas.scale('efficientnet_b0'); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert nas.__version__ == importlib.metadata.version("nas-search")
    main(["--version"])
    assert capsys.readouterr().out == f"nas-search {nas.__version__}\n"


def test_the_version_stands_in_the_changelog() -> None:
    first = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert first is not None
    assert first[1] == nas.__version__
