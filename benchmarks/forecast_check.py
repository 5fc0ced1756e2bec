"""B1 to B3 trained as the proxies of their sweep were, beside what was forecast of them.

    python benchmarks/forecast_check.py RUN DATA [seeds]

RUN is the folder of `results/cifar10-sweep`'s sweep and family, DATA the CIFAR-10 of both, as
parquet. Trainings are kept in RUN/members.jsonl, from which the same command goes on. It takes a
core about an hour for three seeds.
"""

import sys
from pathlib import Path
from typing import Any

from nas.data.image_rows import Parquet
from nas.evaluators.proxy import ProxyEvaluator
from nas.executors.local import InProcess
from nas.statistics.intervals import mean_error
from nas.training.recipe import Recipe
from nas.trainings.engine import LabelledArch, Trainings, train
from nas.trainings.log import TrainingLog
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import FlatGrid
from nas.verbs.columns import table
from search_spaces.yaml_io import load_arch, read_about

MEMBERS = ("b1", "b2", "b3")


def main(run: Path, data: str, seeds: int) -> None:
    """Train what is not on record; print measured accuracies beside the forecasts."""
    files = [run / "family" / f"{name}.yaml" for name in MEMBERS]
    networks = [LabelledArch(load_arch(str(file)), {}) for file in files]
    cifar10 = Parquet(path=data, name="cifar10", limit=10000)
    evaluator = ProxyEvaluator(
        data=cifar10,
        recipe=Recipe(batch_size=128),
        epochs=6,
    )
    trainings = Trainings.on_record(networks, TrainingLog(run / "members.jsonl"))
    strategy = FlatGrid(len(networks), tuple(range(seeds)))
    train(trainings, strategy, evaluator, lambda: InProcess(evaluator), told)
    accuracies = trainings.accuracies
    rows = [
        row(name, read_about(file)["forecast"], list(accuracies.get(index, {}).values()))
        for index, (name, file) in enumerate(zip(MEMBERS, files, strict=True))
    ]
    print(table(("", "forecast [95 %]", "measured ± standard error", "trainings"), rows))


def told(record: TrainingRecord) -> None:
    print(f"{record.arch.name}, seed {record.seed}: {record.accuracy}", flush=True)


def row(name: str, forecast: dict[str, Any], measured: list[float]) -> tuple[str | int, ...]:
    low, high = (100 * end for end in forecast["interval"])
    error = mean_error(measured)
    mean = 100 * sum(measured) / len(measured)
    within = "" if error is None else f" ± {100 * error:.1f}"
    expected = f"{100 * forecast['accuracy']:.1f} [{low:.1f}, {high:.1f}]"
    return name.upper(), expected, f"{mean:.1f}{within}", len(measured)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 3)
