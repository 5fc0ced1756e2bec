"""Standing in a folder from somebody else, which holds files by the names of packages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import toy

SCRIPT = Path(sys.executable).parent / "nas-search"
ROOT = Path(toy.__file__).parent.parent
PLANTED = (
    "yaml", "numpy", "pandas", "torch", "optuna", "hydra", "ray", "onnx", "onnxscript", "psycopg2",
    "tensorboardX", "tensorboard", "IPython", "mlflow", "wandb", "matplotlib", "torchvision",
    "cupy", "pickle", "socket", "nas", "sitecustomize",
)  # fmt: skip
MINE = """\
import helper
from toy import Toy


class Mine(Toy):
    def evaluate(self, arch, seed, report):
        helper.called()
        return super().evaluate(arch, seed, report)
"""


def search(folder: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    # Not the folder itself: PYTHONPATH is how a user says that a folder is theirs.
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests"))),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    command = [str(SCRIPT), "search", "run=r", "search.trials=2", "evaluator=custom", *settings]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("how", ["search.workers=2", "executor=ray"])
def test_nothing_of_a_folder_runs_that_no_target_names(tmp_path: Path, how: str) -> None:
    for name in PLANTED:
        code = f"open({str(tmp_path / 'ran')!r}, 'a').write('{name} ' + __name__)\n"
        (tmp_path / f"{name}.py").write_text(code)
    done = search(tmp_path, "evaluator._target_=toy.Toy", how)
    assert not (tmp_path / "ran").exists()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", ["search.workers=1", "search.workers=2", "executor=ray"])
def test_a_module_of_ones_own_lies_where_one_stands(tmp_path: Path, how: str) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    called = f"def called(): open({str(tmp_path / 'ran')!r}, 'a').write('x')\n"
    (tmp_path / "helper.py").write_text(called)
    (tmp_path / "numpy.py").write_text("raise RuntimeError('this is somebody else')")
    done = search(tmp_path, "evaluator._target_=mine.Mine", how)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ran").read_text() == "xx"
