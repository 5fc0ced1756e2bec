"""How well one supernet ranks the candidates of a sweep, beside trainings of them alone.

    python benchmarks/grown_supernet.py DATA [--baseline efficientnet_b0] [--records LOG ...]
        [--epochs 40] [--paths single] [--supernets 1] [--seeds 0] [--first 0] [--held 0]
        [--folder DIR]

DATA is a folder of CIFAR-10 as parquet files, or `digits`. The supernet holds the baseline and the
candidates of sweep=coarse, as slim as proxies are. What it says of them is held against stand-alone
proxies: those on record in LOG (a sweep.jsonl of the same data and proxies), and `--seeds` of each
that are trained here, from seed `--first` on. `--held` networks of the grid of steps of 0.05, which
no step of the supernet trained, are a second ranking. `--folder` keeps all: a call that was killed
goes on from there. Seconds are of one core. Without arguments nothing is measured.
"""

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nas.data.image_rows import Parquet
from nas.data.sources import Digits
from nas.evaluators.grown_supernet import GrownSupernetEvaluator
from nas.evaluators.proxy import ProxyEvaluator
from nas.executors.local import InProcess
from nas.statistics.rank_correlation import kendall, kendall_tau
from nas.training.recipe import Recipe
from nas.trainings.engine import LabelledArch, Trainings, train
from nas.trainings.log import TrainingLog
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import FlatGrid
from nas.verbs.columns import table
from nas.verbs.progress import ProgressLine
from scaling_search.grow.grid import Candidate, make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.judge.observations import directions_of, places_of
from search_spaces.arch import Arch
from search_spaces.yaml_io import load_arch

HEADER = ("ranked by", "networks", "core s, once", "s a network", "Kendall τ [95 %]")
_DRAWS = 1000
Truth = Mapping[str, Sequence[float]]
"""Accuracies of stand-alone trainings, by the network's key."""


def main(arguments: Sequence[str]) -> None:
    """Print how each supernet, one training, MACs and the published direction rank the grids."""
    if not arguments:
        print(__doc__)
        return
    given = _parser().parse_args(arguments)
    # Records are of networks that tell the data's classes apart: ten, in both data sets.
    baseline = load_arch(given.baseline).replace(num_classes=10)
    folder = Path(given.folder)
    folder.mkdir(parents=True, exist_ok=True)
    coarse = make_grid(baseline, GridSettings(step=0.1)).candidates
    held = _held(baseline, coarse, given.held)
    truth = _truth(given, folder, [each.arch for each in (*coarse, *held)])
    grids = {"coarse grid": coarse, **({"held out": held} if held else {})}
    rows = [row for name, grid in grids.items() for row in _nulls(name, grid, baseline, truth)]
    print(table(HEADER, rows), flush=True)
    for number in range(given.supernets):
        supernet, once = _trained(given, number, folder, [baseline, *(c.arch for c in coarse)])
        for name, grid in grids.items():
            rows.append(_judged(f"{name}: supernet {number}", once, supernet, grid, truth))
            print(table(HEADER, rows), flush=True)


def _held(baseline: Arch, coarse: Sequence[Candidate], count: int) -> Sequence[Candidate]:
    known = {each.arch.key() for each in coarse}
    fine = make_grid(baseline, GridSettings(step=0.05)).candidates
    beyond = [each for each in fine if each.arch.key() not in known]
    return random.Random(0).sample(beyond, count)


def _truth(given: argparse.Namespace, folder: Path, archs: Sequence[Arch]) -> Truth:
    networks = [LabelledArch(arch, {}) for arch in archs]
    trainings = Trainings.on_record(networks, TrainingLog(folder / "stand_alone.jsonl"))
    proxy = ProxyEvaluator(**_slim(given.data), epochs=4 if given.data == "digits" else 6)
    strategy = FlatGrid(len(networks), tuple(range(given.first, given.first + given.seeds)))
    if given.seeds:
        train(trainings, strategy, proxy, lambda: InProcess(proxy), _told)
    found: dict[str, list[float]] = {}
    records = [record for path in given.records for record in TrainingLog(Path(path)).read()]
    for record in (*records, *trainings.records.values()):
        if record.accuracy is not None:
            found.setdefault(record.key, []).append(record.accuracy)
    return found


def _told(record: TrainingRecord) -> None:
    print(f"{record.arch.name}, seed {record.seed}: {record.accuracy}", flush=True)


def _nulls(
    name: str, grid: Sequence[Candidate], baseline: Arch, truth: Truth
) -> list[tuple[str, ...]]:
    """What ranks without a supernet: cost, what is published, and a training of each."""
    whole = make_grid(baseline, GridSettings(step=0.05 if name == "held out" else 0.1))
    directions, macs = directions_of(whole), [float(each.cost.macs) for each in grid]
    growth = places_of(whole, directions, ()).growth[[each.index for each in grid]]
    shares = growth / growth.sum(axis=1, keepdims=True)
    published = -np.square(shares - directions.known).sum(axis=1)
    repeated = [each for each in grid if len(truth.get(each.arch.key(), ())) > 1]
    once = [truth[each.arch.key()][0] for each in repeated]
    others = {each.arch.key(): truth[each.arch.key()][1:] for each in repeated}
    return [
        _row(f"{name}: MACs", 0, 0, macs, grid, truth),
        _row(f"{name}: as published", 0, 0, published.tolist(), grid, truth),
        _row(f"{name}: a training", 0, 0, once, repeated, others),
        (f"{name}: the truth itself", "", "", "", f"{_attainable(grid, truth):.2f}"),
    ]


def _attainable(grid: Sequence[Candidate], truth: Truth) -> float:
    """The τ expected of who knows how accurate each network is, given how noisy the proxies are.

    Variances between networks and of a training are those of a one-way analysis of variance.
    """
    groups = [truth[each.arch.key()] for each in grid if each.arch.key() in truth]
    counts = np.array([len(group) for group in groups])
    total, means = counts.sum(), np.array([statistics.fmean(group) for group in groups])
    repeated = [group for group in groups if len(group) > 1]
    freedom = total - len(groups)
    if not freedom:
        return math.nan
    noise = sum(statistics.variance(group) * (len(group) - 1) for group in repeated) / freedom
    spread = (counts * np.square(means - means @ counts / total)).sum() / (len(groups) - 1)
    between = max(0.0, (spread - noise) / ((total - counts @ counts / total) / (len(groups) - 1)))
    print(
        f"networks differ by {math.sqrt(between):.4f}, trainings of one by {math.sqrt(noise):.4f}"
    )
    draws = np.random.default_rng(0).standard_normal((2, _DRAWS, len(groups)))
    real = math.sqrt(between) * draws[0]
    seen = real + np.sqrt(noise / counts) * draws[1]
    return statistics.fmean(map(kendall_tau, real, seen)) if between else 0.0


def _judged(
    name: str,
    once: float,
    supernet: GrownSupernetEvaluator,
    grid: Sequence[Candidate],
    truth: Truth,
) -> tuple[str, ...]:
    begun = time.process_time()
    found = [
        supernet.evaluate(each.arch, 0, lambda epoch, accuracy: None).accuracy for each in grid
    ]
    seconds = (time.process_time() - begun) / len(grid)
    for each, accuracy in zip(grid, found, strict=True):
        own = truth.get(each.arch.key(), ())
        alone = f"{statistics.fmean(own):.4f}" if own else ""
        print(f"{each.constants}: {accuracy:.4f}, alone {alone} ({len(own)})", flush=True)
    return _row(name, once, seconds, found, grid, truth)


def _row(
    name: str,
    once: float,
    each: float,
    found: Sequence[float],
    grid: Sequence[Candidate],
    truth: Truth,
) -> tuple[str, ...]:
    keys = [candidate.arch.key() for candidate in grid]
    known = [
        (a, statistics.fmean(truth[k])) for a, k in zip(found, keys, strict=True) if k in truth
    ]
    tau = f"{kendall(*zip(*known, strict=True)):.2f}" if len(known) > 2 else ""
    return name, str(len(known)), f"{once:.0f}", f"{each:.2f}", tau


def _trained(
    given: argparse.Namespace, number: int, folder: Path, archs: Sequence[Arch]
) -> tuple[GrownSupernetEvaluator, float]:
    """Train a supernet, or find it in the folder; and the core seconds that this call took."""
    name = f"{given.paths}-{given.epochs}-{number}"
    supernet = GrownSupernetEvaluator(
        **_slim(given.data), epochs=given.epochs, paths=given.paths, seed=number, device="cpu"
    ).for_networks(archs)
    (folder / name).mkdir(exist_ok=True)
    line, begun = ProgressLine(name), time.process_time()
    supernet.prepare(folder / name, lambda done, total, note="": line(done, total, note, None))
    return supernet, time.process_time() - begun


def _slim(data: str) -> dict[str, Any]:
    """The settings of the proxies of `results/cifar10-sweep`, or of `results/example`."""
    if data == "digits":
        return {"data": Digits(), "recipe": Recipe(), "width": 0.125}
    source = Parquet(path=data, name="cifar10", limit=10000)
    return {"data": source, "recipe": Recipe(batch_size=128), "width": 0.125}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--baseline", default="efficientnet_b0")
    parser.add_argument("--records", nargs="*", default=[])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--paths", default="single")
    parser.add_argument("--supernets", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--held", type=int, default=0)
    parser.add_argument("--folder", default="results/grown-supernet-benchmark")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
