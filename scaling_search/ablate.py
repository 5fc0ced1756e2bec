"""How accurate each way of growing a network is: the networks of an ablation, trained.

EfficientNet (arXiv 1905.11946), Figures 3 and 8 and Tables 3 and 7, with proxy accuracies.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.evaluators.base import Evaluator
from nas.executors.base import Executor
from nas.networks.cost import cost
from nas.runs.tables import write_rows
from nas.statistics.comparison import compare
from nas.trainings.engine import Network, Trainings, train
from nas.trainings.log import ABLATION, TrainingLog
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import FlatGrid
from scaling_search.grow.ablation import Scaled
from scaling_search.judge.trend import origin
from search_spaces.arch import Arch
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Way:
    """One way to grow the baseline, or the baseline itself, and how accurate it is."""

    kind: str
    """`depth`, `width`, `resolution`, `compound`, or `baseline`."""
    target_ratio: float
    arch: Arch
    realised_ratio: float
    accuracy: float | None = None
    stderr: float | None = None
    seeds: int = 0
    tied: bool = False
    """Not distinguishable at 95 % from the most accurate of its ratio, which ties with itself."""
    reason: str = ""


COLUMNS = (
    "kind",
    "target_ratio",
    "realised_ratio",
    "macs",
    "accuracy",
    "stderr",
    "seeds",
    "tied",
    "key",
    "reason",
)


def train_ablation(
    networks: Sequence[Scaled],
    evaluator: Evaluator,
    run: Path,
    executor: Callable[[], AbstractContextManager[Executor]],
    *,
    seeds: int = 3,
    seed: int = 0,
    progress: Callable[[int, int, float | None], None] = lambda done, total, seconds_left: None,
) -> tuple[Way, ...]:
    """Train the baseline and every network, each with `seeds` seeds, as far as it is not on record.

    Records go to `ablation.jsonl`, the answer to `ablation_accuracy.csv`, in the run folder.
    Raises UserError as `train` does, and for fewer than one seed.
    """
    if seeds < 1:
        raise UserError(f"seeds: expected at least 1, got {seeds}")
    baseline = networks[0].baseline
    ways = [Way("baseline", 1.0, baseline, 1.0)]
    ways += [Way(each.kind, each.target_ratio, each.arch, each.realised_ratio) for each in networks]
    different = {way.arch.key(): way for way in ways}
    trainings = Trainings.on_record(
        [Network(way.arch, _labels(way, baseline)) for way in different.values()],
        TrainingLog(run / ABLATION),
    )
    strategy = FlatGrid(len(different), tuple(range(seed, seed + seeds)))

    def tell(record: TrainingRecord) -> None:
        progress(len(trainings.records), strategy.most, trainings.seconds_left)

    train(trainings, strategy, evaluator, executor, tell)
    answer = _judged(ways, list(different), trainings)
    write_rows(run / "ablation_accuracy.csv", COLUMNS, map(_row, answer))
    return answer


def _judged(ways: list[Way], keys: list[str], trainings: Trainings) -> tuple[Way, ...]:
    accuracies, failures = trainings.accuracies, trainings.failures
    judged = []
    for way in ways:
        index = keys.index(way.arch.key())
        rivals = {keys.index(w.arch.key()) for w in ways if w.target_ratio == way.target_ratio}
        eligible = (rivals & accuracies.keys()) - failures.keys()
        found = compare(accuracies, eligible) if eligible else None
        estimate = found.estimates.get(index) if found else None
        judged.append(
            Way(
                way.kind,
                way.target_ratio,
                way.arch,
                way.realised_ratio,
                estimate.mean if estimate else None,
                estimate.stderr if estimate else None,
                estimate.seeds if estimate else 0,
                found is not None and index in {found.winner, *found.ties},
                failures.get(index, ""),
            )
        )
    return tuple(judged)


def _labels(way: Way, baseline: Arch) -> dict[str, object]:
    return {
        "kind": way.kind,
        "target_ratio": way.target_ratio,
        "realised_ratio": round(way.realised_ratio, 6),
        "macs": cost(way.arch).macs,
        **origin(baseline),
    }


def _row(way: Way) -> dict[str, Any]:
    return {
        "kind": way.kind,
        "target_ratio": f"{way.target_ratio:g}",
        "realised_ratio": round(way.realised_ratio, 6),
        "macs": cost(way.arch).macs,
        "accuracy": None if way.accuracy is None else round(way.accuracy, 6),
        "stderr": None if way.stderr is None else round(way.stderr, 6),
        "seeds": way.seeds,
        "tied": way.tied,
        "key": way.arch.key(),
        "reason": way.reason,
    }
