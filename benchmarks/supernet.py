"""How well supernets rank NAS-Bench-Macro's networks, alone and with zero-cost scores.

    python benchmarks/supernet.py CIFAR10 TABLE [--variants single-own fair-own sandwich-sliced ...]
        [--supernets 0 1 2] [--epochs 40] [--networks 190] [--seed 3] [--scores] [--folder DIR]

CIFAR10 is a folder of parquet files, TABLE nas-bench-macro_cifar10.json. A variant is the paths of
a step and the rule of sharing; each trains supernets of the seeds `--supernets`, at ¼ width and
16 px on 20,000 images, which `--folder` keeps: a call that was killed goes on from there. Seconds
are of one core.
Without arguments nothing is measured.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from nas.data.image_rows import Parquet
from nas.defaults.conf import settings
from nas.evaluators.base import Evaluator
from nas.evaluators.nas_bench_macro import NasBenchMacroEvaluator
from nas.evaluators.supernet import SupernetEvaluator
from nas.evaluators.zero_cost import ZeroCostEvaluator
from nas.networks.cost import cost
from nas.proxies.sample import spread_sample
from nas.statistics.rank_correlation import kendall, kendall_tau, standardised_sum
from nas.supernet.paths import PATHS, PathsName
from nas.supernet.slices import SHARINGS, Sharing
from nas.training.recipe import Recipe
from nas.verbs.columns import table
from nas.verbs.progress import ProgressLine
from search_spaces.arch import Arch
from search_spaces.space import load_space

HEADER = ("ranked by", "core s, once", "s a network", "Kendall τ [95 %]", "of the better half")


def main(arguments: Sequence[str]) -> None:
    """Print a row for each supernet, for its estimate with the scores, and for MACs."""
    if not arguments:
        print(__doc__)
        return
    given = _parser().parse_args(arguments)
    space = settings("space/nas_bench_macro")
    archs = spread_sample(load_space(space), given.networks, given.seed)
    known = NasBenchMacroEvaluator(path=given.table, space=space)
    truth = [_accuracy(known, arch) for arch in archs]
    macs = [float(cost(arch).macs) for arch in archs]
    rows = [_row("MACs", 0, 0, macs, truth)]
    promises: list[float] = []
    if given.scores:
        promises, seconds = _promises(given, archs)
        rows.append(_row("scores", 0, seconds, promises, truth))
    for variant in given.variants:
        for number in given.supernets:
            rows += _measured(given, variant, number, archs, truth, promises)
            print(table(HEADER, rows), flush=True)


def _measured(
    given: argparse.Namespace,
    variant: str,
    number: int,
    archs: Sequence[Arch],
    truth: Sequence[float],
    promises: Sequence[float],
) -> list[tuple[str, ...]]:
    """Train a supernet, and give its row and that of its estimate with the scores."""
    evaluator = _supernet(given.data, variant, number, given.epochs)
    name = f"{variant}-{given.epochs}-{number}"
    folder = Path(given.folder) / name
    folder.mkdir(parents=True, exist_ok=True)
    line, begun = ProgressLine(name), time.process_time()
    evaluator.prepare(folder, lambda done, total, note="": line(done, total, note, None))
    once = time.process_time() - begun
    found, each = _kept(folder / f"{_drawn(given)}.json", archs, partial(_accuracy, evaluator))
    spread = _spread(found) / _spread(truth)
    rows = [_row(f"{name}, spread {spread:.1f}", once, each, found, truth)]
    if promises:
        both = standardised_sum(found, promises)
        rows.append(_row(f"{name} and scores", once, each, both, truth))
    return rows


def _promises(given: argparse.Namespace, archs: Sequence[Arch]) -> tuple[list[float], float]:
    scores = ZeroCostEvaluator(
        data=_cifar10(given.data), scores=("naswot", "jacov", "grad_norm"), base_resolution=32
    )
    kept = Path(given.folder) / f"scores-{_drawn(given)}.json"
    return _kept(kept, archs, lambda arch: scores.promise(arch, 0).value)


def _kept(
    file: Path, archs: Sequence[Arch], measure: Callable[[Arch], float]
) -> tuple[list[float], float]:
    """What each network has, and the seconds of one: as `file` keeps them, or measured now."""
    if not file.exists():
        begun = time.process_time()
        found = [measure(arch) for arch in archs]
        kept = {"found": found, "seconds": (time.process_time() - begun) / len(archs)}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(kept))
    read = json.loads(file.read_text())
    return read["found"], read["seconds"]


def _drawn(given: argparse.Namespace) -> str:
    return f"{given.networks}-of-seed-{given.seed}"


def _accuracy(evaluator: Evaluator, arch: Arch) -> float:
    found = evaluator.evaluate(arch, 0, lambda epoch, accuracy: None)
    return found if isinstance(found, float) else found.accuracy


def _row(
    name: str, once: float, each: float, found: Sequence[float], truth: Sequence[float]
) -> tuple[str, ...]:
    middle = statistics.median(truth)
    better = [(a, b) for a, b in zip(found, truth, strict=True) if b >= middle]
    half = kendall_tau(*map(list, zip(*better, strict=True)))
    return name, f"{once:.0f}", f"{each:.2f}", f"{kendall(found, truth):.2f}", f"{half:.2f}"


def _spread(accuracies: Sequence[float]) -> float:
    return statistics.stdev(accuracies) / statistics.fmean(accuracies)


def _supernet(data: str, variant: str, number: int, epochs: int) -> SupernetEvaluator:
    """As experiment=cifar10_macro evaluator=supernet_macro has it."""
    paths, sharing = variant.split("-")
    if paths not in PATHS or sharing not in SHARINGS:
        raise SystemExit(f"expected a variant such as single-own, got {variant}")
    return SupernetEvaluator(
        space=settings("space/nas_bench_macro"),
        data=_cifar10(data),
        recipe=Recipe(batch_size=128, warmup_epochs=0.5),
        epochs=epochs,
        paths=cast(PathsName, paths),
        sharing=cast(Sharing, sharing),
        seed=number,
        resolution=16,
        base_resolution=32,
        device="cpu",
    )


def _cifar10(path: str) -> Parquet:
    return Parquet(path=path, name="cifar10", limit=24000, val_fraction=0.16667)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("table")
    parser.add_argument("--variants", nargs="+", default=["single-own"])
    parser.add_argument("--supernets", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--networks", type=int, default=190)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--scores", action="store_true")
    parser.add_argument("--folder", default="results/supernet-benchmark")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
