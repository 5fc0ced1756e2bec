"""A caller's script passes a strict type checker, and what is wrong in one is told."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPT = """
from pathlib import Path

import nas
from nas import Arch, Option, UserError, evaluate, export, predict, scale, search, sweep, train

found = search(Path("photos"), trials=40, run="results/x", evaluator=Option("proxy", epochs=2))
best: Arch = found.baseline
accuracy: float | None = found.record.accuracy
names: list[str] = [record.compact for record in (*found.front, *found.ties)]
rows: int = len(found.records)
found.plot().show()
rule = sweep(best, "digits", settings={"budget": 6}, executor="local")
alpha: float = rule.constants.named()["alpha"] + rule.low["alpha"] + rule.high["alpha"]
family = scale(best, rule.constants, phis=[1, 2.5])
larger: Arch = family[1]
some: tuple[Arch, ...] = family[1:]
macs: list[int] = [nas.cost(arch).macs for arch in family]
trained = train(larger, Path("photos"), run=found.run, recipe={"epochs": 5})
if trained.accuracy is not None:
    low: float = trained.accuracy.low
classes: tuple[str, ...] = trained.card.classes
value: float = evaluate(trained, "digits", split="val").accuracy.value
for each in predict(trained, ["a.jpg", Path("b.jpg")], top=1):
    name, probability = each.ranked[0]
file: Path = export(trained, "onnx")


class Mine(nas.Evaluator):
    def evaluate(self, arch: Arch, seed: int, report: nas.Report) -> float:
        return 0.5


try:
    search(evaluator=Mine(), space=nas.load_space({"base": "efficientnet_b0"}))
except UserError as error:
    print(error)
"""
CONFIG = f"""
[mypy]
strict = True
mypy_path = {ROOT}
follow_imports = silent
[mypy-{
    ",".join(
        f"{name}.*"
        for name in (
            "torch",
            "pandas",
            "numpy",
            "optuna",
            "plotly",
            "ray",
            "scipy",
            "sklearn",
            "datasets",
            "PIL",
            "sqlalchemy",
        )
    )
}]
follow_imports = skip
follow_imports_for_stubs = True
"""
"""The types of others are looked at where the project's own are checked; here they would take
minutes."""


def told(folder: Path, script: str) -> list[str]:
    (folder / "script.py").write_text(script)
    (folder / "mypy.ini").write_text(CONFIG)
    mypy = [sys.executable, "-m", "mypy", "--no-error-summary", "script.py"]
    done = subprocess.run(mypy, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_script_passes_and_its_slips_are_told(tmp_path: Path) -> None:
    assert told(tmp_path, SCRIPT) == []
    slips = 'found.basline\nsearch(trials="40")\nnas.serach()\n'
    kinds = [line.rpartition(" ")[2] for line in told(tmp_path, SCRIPT + slips)]
    assert kinds == ["[attr-defined]", "[arg-type]", "[attr-defined]"]
