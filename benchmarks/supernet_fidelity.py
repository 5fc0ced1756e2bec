"""How well a supernet ranks 24 networks of a space, by their own trainings.

    python benchmarks/supernet_fidelity.py CIFAR10 SPACE FOLDER [--device cuda] [--networks 24]
        [--seed 0] [--epochs 40] [--long 15]

CIFAR10 is a folder of parquet files, SPACE a name of conf/space. The networks are proxy-check's, by
strata of MACs. The truth is a training of each alone, as slim as the supernet's candidates and
three times as long as the proxy that `experiment=cifar10` goes by, which stands beside. FOLDER
keeps what is measured: several calls at once share the work, and one that was killed goes on.
Without arguments nothing is measured.
"""

import argparse
import fcntl
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nas.data.image_rows import Parquet
from nas.defaults.conf import settings
from nas.evaluators.base import Evaluator
from nas.evaluators.proxy import ProxyEvaluator
from nas.evaluators.supernet import SupernetEvaluator
from nas.networks.cost import cost_and_capacity
from nas.proxies.sample import spread_sample
from nas.statistics.rank_correlation import kendall
from nas.training.recipe import Recipe
from nas.verbs.columns import table
from search_spaces.arch import Arch
from search_spaces.space import load_space

HEADER = ("ranked by", "s a network", "Kendall τ [95 %]", "seen")


def main(arguments: Sequence[str]) -> None:
    """Measure what is not measured yet, and print how each estimate ranks."""
    if not arguments:
        print(__doc__)
        return
    given = _parser().parse_args(arguments)
    space, folder = settings(f"space/{given.space}"), Path(given.folder)
    folder.mkdir(parents=True, exist_ok=True)
    archs = spread_sample(load_space(space), given.networks, given.seed)
    jobs = _jobs(given, folder, space)
    for job in jobs:
        with _lock(folder / f"{job.name}.lock") as held:
            if held or not job.prepared:
                for number, arch in enumerate(archs):
                    job.measure(number, arch)
    print(table(HEADER, list(_rows(folder, jobs, archs))), flush=True)


@dataclass(frozen=True)
class Job:
    """One way to estimate networks; each is measured once, by whichever call comes first."""

    name: str
    folder: Path
    evaluator: Evaluator
    prepared: bool = False
    """One call alone prepares it, and measures all."""

    def file(self, number: int) -> Path:
        """Give where a network's accuracy is kept."""
        return self.folder / f"{self.name}-{number}.json"

    def measure(self, number: int, arch: Arch) -> None:
        """Measure one network, unless that is done or being done."""
        file = self.file(number)
        with _lock(file.with_suffix(".lock")) as held:
            if not held or file.exists():
                return
            if self.prepared:
                self.evaluator.prepare(_made(self.folder / self.name), _tell)
            begun = time.monotonic()
            found = self.evaluator.evaluate(arch, 0, lambda epoch, accuracy: None)
            accuracy = found if isinstance(found, float) else found.accuracy
            kept = {"accuracy": accuracy, "seconds": time.monotonic() - begun}
            file.write_text(json.dumps(kept))
            print(self.name, number, kept, flush=True)


def _jobs(given: argparse.Namespace, folder: Path, space: Mapping[str, object]) -> list[Job]:
    data = Parquet(path=given.data, name="cifar10", limit=24000, val_fraction=0.16667)
    recipe = Recipe(batch_size=128, warmup_epochs=0.5, mixed_precision=False)
    supernet = SupernetEvaluator(
        space=space, data=data, recipe=recipe, device=given.device, epochs=given.epochs
    )
    slim = ProxyEvaluator(
        data=data, recipe=recipe, device=given.device, epochs=given.long, width=supernet.width
    )
    proxy = ProxyEvaluator(data=data, recipe=recipe, device=given.device, epochs=5)
    return [
        Job("supernet", folder, supernet, prepared=True),
        Job("alone", folder, slim),
        Job("proxy", folder, proxy),
    ]


def _rows(folder: Path, jobs: Sequence[Job], archs: Sequence[Arch]) -> Iterator[tuple[str, ...]]:
    """One for each estimate: of the networks that it and the truth know."""
    truth = _known(jobs[1], archs)
    costs, capacities = zip(*map(cost_and_capacity, archs), strict=True)
    known: dict[str, Mapping[int, tuple[float, float]]] = {
        job.name: _known(job, archs) for job in jobs if job.name != "alone"
    }
    known["MACs"] = dict(enumerate((float(each.macs), 0.0) for each in costs))
    known["capacity, params"] = dict(enumerate((each.params, 0.0) for each in capacities))
    known["capacity, activations"] = dict(enumerate((each.activations, 0.0) for each in capacities))
    for name, found in known.items():
        both = sorted(found.keys() & truth.keys())
        if len(both) > 4:
            tau = kendall([found[i][0] for i in both], [truth[i][0] for i in both])
            seconds = sum(found[i][1] for i in both) / len(both)
            yield name, f"{seconds:.1f}", f"{tau:.2f}", str(len(both))


def _known(job: Job, archs: Sequence[Arch]) -> dict[int, tuple[float, float]]:
    """Accuracy and seconds of each network that is measured."""
    files = {number: job.file(number) for number in range(len(archs))}
    read = {number: json.loads(file.read_text()) for number, file in files.items() if file.exists()}
    return {number: (kept["accuracy"], kept["seconds"]) for number, kept in read.items()}


@contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Hold a file's lock, which ends with the process; gives whether it is held."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _tell(done: int, total: int, note: str = "") -> None:
    print(f"{done}/{total} {note}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("space")
    parser.add_argument("folder")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--long", type=int, default=15)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
