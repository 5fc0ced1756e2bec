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
from nas.runs.csv_files import write_rows
from nas.statistics.comparison import compare
from nas.trainings.engine import LabelledArch, Trainings, train
from nas.trainings.log import ABLATION, TrainingLog
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import FlatGrid
from scaling_search.grow.ablation import AblatedNetwork, ungrown
from scaling_search.judge.observations import origin
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class AblationResult:
    """How accurate a network of the ablation is, or the baseline itself."""

    network: AblatedNetwork
    accuracy: float | None
    """The mean over the seeds; None where every training failed."""
    stderr: float | None
    seeds: int
    tied: bool
    """Whether it cannot be told at 95 % from the most accurate of its ratio, which ties with
    itself."""
    reason: str
    """Why it failed with some seed; empty where it did not."""


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
    networks: Sequence[AblatedNetwork],
    evaluator: Evaluator,
    run: Path,
    executor: Callable[[], AbstractContextManager[Executor]],
    *,
    seeds: int = 3,
    seed: int = 0,
    progress: Callable[[int, int, float | None], None] = lambda done, total, seconds_left: None,
) -> tuple[AblationResult, ...]:
    """Train the baseline and every network, each with `seeds` seeds, as far as it is not on record.

    Records go to `ablation.jsonl`, the results to `ablation_accuracy.csv`, in the run folder.
    Raises UserError as `train` does, and for fewer than one seed.
    """
    if seeds < 1:
        raise UserError(f"seeds: expected at least 1, got {seeds}")
    everyone = [ungrown(networks[0].baseline, networks[0].multipliers.rule), *networks]
    different = {each.arch.key(): each for each in everyone}
    trainings = Trainings.on_record(
        [LabelledArch(each.arch, labels(each)) for each in different.values()],
        TrainingLog(run / ABLATION),
    )
    strategy = FlatGrid(len(different), tuple(range(seed, seed + seeds)))

    def tell(record: TrainingRecord) -> None:
        progress(len(trainings.records), strategy.most, trainings.seconds_left)

    train(trainings, strategy, evaluator, executor, tell)
    results = _compared(everyone, list(different), trainings)
    write_rows(run / "ablation_accuracy.csv", COLUMNS, map(_row, results))
    return results


def _compared(
    networks: Sequence[AblatedNetwork], keys: Sequence[str], trainings: Trainings
) -> tuple[AblationResult, ...]:
    """Each network beside those of its target ratio; `keys` are in the order of the trainings."""
    accuracies, failures = trainings.accuracies, trainings.failures
    places = [keys.index(each.arch.key()) for each in networks]
    results = []
    for each, place in zip(networks, places, strict=True):
        ratios = zip(networks, places, strict=True)
        rivals = {other for rival, other in ratios if rival.target_ratio == each.target_ratio}
        eligible = (rivals & accuracies.keys()) - failures.keys()
        found = compare(accuracies, eligible) if eligible else None
        estimate = found.estimates.get(place) if found else None
        results.append(
            AblationResult(
                network=each,
                accuracy=estimate.mean if estimate else None,
                stderr=estimate.stderr if estimate else None,
                seeds=estimate.seeds if estimate else 0,
                tied=found is not None and place in {found.winner, *found.ties},
                reason=failures.get(place, ""),
            )
        )
    return tuple(results)


def labels(network: AblatedNetwork) -> dict[str, object]:
    """What the record of a training says of an ablated network, for readers."""
    return {
        "kind": network.kind,
        "target_ratio": network.target_ratio,
        "realised_ratio": round(network.realised_ratio, 6),
        "macs": network.cost.macs,
        **network.asked(),
        **origin(network.baseline),
    }


def _row(result: AblationResult) -> dict[str, Any]:
    network = result.network
    return {
        "kind": network.kind,
        "target_ratio": f"{network.target_ratio:g}",
        "realised_ratio": round(network.realised_ratio, 6),
        "macs": network.cost.macs,
        "accuracy": None if result.accuracy is None else round(result.accuracy, 6),
        "stderr": None if result.stderr is None else round(result.stderr, 6),
        "seeds": result.seeds,
        "tied": result.tied,
        "key": network.arch.key(),
        "reason": result.reason,
    }
