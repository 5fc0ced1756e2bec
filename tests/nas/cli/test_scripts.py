"""The toolkit called from scripts, with worker processes."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

import toy

SCRIPT = """
from nas.cli import main
from nas.evaluators.base import Evaluator

print("a script")


class Mine(Evaluator):
    def evaluate(self, arch, seed, report):
        print("an evaluation")
        return half


half = 0.5
main(["search", "run=r", "search.trials=3", "search.workers=2", "sampler=random",
      "evaluator=custom", "evaluator._target_=TARGET"])
"""


@pytest.mark.parametrize("target", ["toy.Toy", "__main__.Mine"])
@pytest.mark.parametrize("stdin", [False, True])
def test_a_script_without_a_guard_has_workers(tmp_path: Path, target: str, stdin: bool) -> None:
    script = SCRIPT.replace("TARGET", target)
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "-" if stdin else "script.py"],
        input=script if stdin else "",
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(toy.__file__).parent), *PATH])},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    with (tmp_path / "r" / "trials.csv").open() as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["finished"] * 3
    assert done.stdout.count("a script") == 1, "workers do not run the script once more"
    assert "an evaluation" not in done.stdout, "the output is the answer"
    assert "leaked" not in done.stderr


PATH = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
