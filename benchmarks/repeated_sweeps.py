"""How alike the answers of repeated sweeps are: a race and a model, with different seeds.

    python benchmarks/repeated_sweeps.py [repetitions [first]]

The embedded sweep: `results/example/baseline.yaml` on the digits, steps of 0.1, as `nas-search run`
does it. It takes two cores some minutes a repetition. The rule of naming was chosen on repetitions
0 to 5, so others are what it is judged by.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np

from nas.evaluators.proxy import ProxyEvaluator
from nas.executors.local import Processes
from nas.verbs.columns import table
from scaling_search.grow.family import formula_family
from scaling_search.rule.rule import Constants
from scaling_search.settings import SweepSettings
from scaling_search.sweep import run_sweep
from search_spaces.yaml_io import load_arch

BASELINE = Path(__file__).parents[1] / "results" / "example" / "baseline.yaml"


def main(repetitions: int, first: int) -> None:
    """Print the constants of every sweep, and how far they lie apart."""
    named: dict[str, list[Constants]] = {"race": [], "model": []}
    for repetition in range(first, first + repetitions):
        with tempfile.TemporaryDirectory() as folder:
            for strategy in named:
                constants, trainings = swept(strategy, 1000 * repetition, Path(folder) / strategy)
                named[strategy].append(constants)
                print(f"{strategy} {repetition}: {constants} by {trainings} trainings", flush=True)
    rows = [spread(strategy, found) for strategy, found in named.items()]
    print(table(("", "sd of log α, β, γ", "B7 pixels", "B7 params"), rows))


def swept(strategy: str, seed: int, folder: Path) -> tuple[Constants, int]:
    """What a sweep names, and how many trainings it did."""
    folder.mkdir()
    evaluator = ProxyEvaluator()
    settings = dataclasses.replace(SweepSettings(step=0.1, seed=seed), strategy=strategy)
    result = run_sweep(
        load_arch(str(BASELINE)), settings, evaluator, folder, lambda: Processes(evaluator, 2)
    )
    lines = (folder / "sweep.jsonl").read_text("utf-8").splitlines()
    return result.constants, len(lines)


def spread(strategy: str, named: list[Constants]) -> tuple[str, ...]:
    """How far the constants of one strategy, and the families they make, lie apart."""
    deviations = np.log([each.values for each in named]).std(axis=0, ddof=1)
    largest = [formula_family(load_arch(str(BASELINE)), each)[-1] for each in named]
    pixels = [member.arch.resolution for member in largest]
    params = [member.cost.params for member in largest]
    return (
        strategy,
        ", ".join(f"{value:.3f}" for value in deviations),
        f"{min(pixels)}–{max(pixels)}",
        f"{min(params) / 1e6:.1f}M–{max(params) / 1e6:.1f}M",
    )


if __name__ == "__main__":
    asked = [int(each) for each in sys.argv[1:]]
    main(*(asked + [10, 6][len(asked) :]))
