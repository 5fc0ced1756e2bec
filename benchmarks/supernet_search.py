"""What whole searches by a supernet find, beside searches by short trainings.

    python benchmarks/supernet_search.py CIFAR10 TABLE FOLDER [--by supernet proxy] [--seeds 0 1 2]
        [--epochs 30] [--trials 64] [--workers 1]

CIFAR10 is a folder of parquet files, TABLE nas-bench-macro_cifar10.json. `supernet` is
`experiment=cifar10_macro evaluator=scored_supernet_macro`, a supernet of its own for each seed, of
so many epochs and trials; `proxy` the same with `scored_proxy_macro` and 40 trials. Each names one
network; its regret is the best true reward of the space less its own. FOLDER keeps the searches: a
call that was killed goes on. Without arguments nothing is measured.
"""

import argparse
import itertools
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from nas.defaults.conf import settings
from nas.evaluators.nas_bench_macro import NasBenchMacroEvaluator
from nas.networks.cost import cost
from nas.searches.rewards import Soft
from nas.verbs.columns import table
from search_spaces.arch import Arch
from search_spaces.space import load_space
from search_spaces.yaml_io import load_arch

TARGET = 55_398_912
"""The median of the space, which `experiment=cifar10_macro` has."""


def main(arguments: Sequence[str]) -> None:
    """Search, and print the regret of each network that is named, and the means."""
    if not arguments:
        print(__doc__)
        return
    given = _parser().parse_args(arguments)
    for by in given.by:
        for seed in given.seeds:
            _search(given, by, seed)
    rows = []
    rewards = _Rewards(given.table)
    for by in ("supernet", "proxy"):
        regrets = []
        for file in sorted(Path(given.folder).glob(f"{by}-*/baseline.yaml")):
            regrets.append(rewards.best - rewards.of(load_arch(file)))
            spent = sum(map(int, (file.parent / "seconds").read_text().split()))
            rows.append((file.parent.name, f"{regrets[-1]:.4f}", f"{spent}"))
        if len(regrets) > 1:
            error = statistics.stdev(regrets) / len(regrets) ** 0.5
            rows.append((f"{by}, mean", f"{statistics.fmean(regrets):.4f} ± {error:.4f}", ""))
    print(table(("search", "regret", "core s"), rows))


def _search(given: argparse.Namespace, by: str, seed: int) -> None:
    """Search once by the command line, and keep the processor time that it took."""
    run = Path(given.folder) / f"{by}-{seed}"
    own = {
        "supernet": (
            "evaluator=scored_supernet_macro",
            f"evaluator.trained.epochs={given.epochs}",
            f"evaluator.trained.seed={seed}",
            f"search.trials={given.trials}",
        ),
        "proxy": ("evaluator=scored_proxy_macro", "search.trials=40"),
    }[by]
    command = (sys.executable, "-m", "nas.cli", "search", "experiment=cifar10_macro")
    rest = (f"data.path={given.data}", f"search.seed={seed}", f"search.workers={given.workers}")
    before = _children()
    subprocess.run([*command, *own, *rest, f"run={run}"], check=True)
    with (run / "seconds").open("a") as kept:
        kept.write(f"{_children() - before:.0f}\n")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Rewards:
    """Rewards by true accuracies."""

    def __init__(self, path: str) -> None:
        written = settings("space/nas_bench_macro")
        self.known = NasBenchMacroEvaluator(path=path, space=written)
        self.reward = Soft(target=TARGET)
        space = load_space(written)
        names = [choice.name for choice in space.choices]
        every = itertools.product(*(choice.options for choice in space.choices))
        decoded = (space.decode(dict(zip(names, each, strict=True))) for each in every)
        self.best = max(map(self.of, decoded))

    def of(self, arch: Arch) -> float:
        """Give the reward of one network of the space."""
        found = self.known.evaluate(arch, 0, lambda epoch, accuracy: None)
        accuracy = found if isinstance(found, float) else found.accuracy
        return self.reward(accuracy, cost(arch).macs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("table")
    parser.add_argument("folder")
    parser.add_argument("--by", nargs="+", default=["supernet", "proxy"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
