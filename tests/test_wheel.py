"""The wheel: what it holds, and that it works in an empty folder."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_an_installed_wheel_finds_its_configs(tmp_path: Path) -> None:
    python = sys.executable
    build = [python, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    install = [python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target"]
    subprocess.run([*install, str(tmp_path / "site"), str(wheel)], check=True, capture_output=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def output(*arguments: str) -> str:
        done = subprocess.run(
            arguments, cwd=empty, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    assert str(tmp_path / "site") in output(python, "-c", "import nas; print(nas.__file__)")
    script = str(tmp_path / "site" / "bin" / "nas-search")
    assert output(script, "--version") == "nas-search 0.1.0\n"
    assert "kernel_expand*" in output(script, "search", "--help")
    assert "trials: 5" in output(script, "search", "--cfg", "job", "search.trials=5")
    output(script, "scale", "baseline=efficientnet_b0")
    assert len(list((empty / "results/efficientnet_b0/family").glob("b?.yaml"))) == 8
    for package in ("nas", "scaling_search", "search_spaces"):
        assert (tmp_path / "site" / package / "py.typed").is_file()
    published = "import nas.dashboard.published as p; print(p.__file__)"
    assert str(tmp_path / "site") in output(python, "-c", published)
