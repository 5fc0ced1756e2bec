"""Beyond uniform scaling: stages that grow each by their own, at the cost of the uniform winner.

The paper scales all stages alike "to further reduce the design space" (arXiv 1905.11946, §3.2).
This asks what that gives away.
"""

import dataclasses
import math
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.evaluators.base import Evaluator
from nas.executors.base import Executor
from nas.networks.cost import cost
from nas.runs.csv_files import write_rows
from nas.statistics.comparison import Comparison, compare
from nas.trainings.engine import LabelledArch, Trainings, train
from nas.trainings.log import PER_STAGE, TrainingLog
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import Race
from search_spaces.arch import Arch
from search_spaces.compact import spell, spell_arch
from search_spaces.errors import UserError
from search_spaces.rounding import round_channels
from search_spaces.stage import Stage
from search_spaces.yaml_io import write_arch

_WIDTHS = (0.8, 0.9, 1.0, 1.1, 1.25)
_LAYERS = (-1, 0, 1)
_TRIES = 2000
"""Draws for each variant asked for, of which few cost what they should."""


@dataclass(frozen=True, slots=True)
class PerStageResult:
    """The uniform winner among variants of it of the same cost."""

    networks: tuple[Arch, ...]
    """The uniform one first."""
    comparison: Comparison
    failures: dict[int, str]

    @property
    def winner(self) -> Arch:
        return self.networks[self.comparison.winner]

    @property
    def uniform_holds(self) -> bool:
        """Whether the uniform network is the best, or cannot be told from it at 95 %."""
        return 0 in {self.comparison.winner, *self.comparison.ties}


def variants(uniform: Arch, count: int, within: float = 0.05, seed: int = 0) -> tuple[Arch, ...]:
    """Networks like `uniform` with stages of other depths and widths, at its MACs ± `within`.

    Each stage has a layer more or less, or as many, and 0.8 to 1.25 times the channels; input,
    stem and head are the same. Raises UserError where fewer than `count` are found.
    """
    rng = random.Random(seed)
    macs = cost(uniform).macs
    found: dict[str, Arch] = {}
    for _ in range(_TRIES * count):
        if len(found) == count:
            break
        stages = tuple(_varied(stage, rng) for stage in uniform.stages)
        arch = uniform.replace(stages=stages, name=f"{uniform.name}_v{len(found) + 1}")
        near = abs(cost(arch).macs / macs - 1) <= within
        if near and arch.key() != uniform.key():
            found.setdefault(arch.key(), arch)
    if len(found) < count:
        raise UserError(
            f"per_stage: only {len(found)} of {count} variants cost as much as the uniform winner"
        )
    return tuple(found.values())


def run_per_stage(
    networks: Sequence[Arch],
    evaluator: Evaluator,
    run: Path,
    executor: Callable[[], AbstractContextManager[Executor]],
    *,
    seed: int = 0,
    classes: Sequence[str] = (),
    progress: Callable[[int, int, float | None], None] = lambda done, total, seconds_left: None,
) -> PerStageResult:
    """Race the uniform network, the first, against its variants, from where the records leave off.

    Records go to `per_stage.jsonl`, the results to `per_stage.csv` and, the winner, to
    `per_stage.yaml`, in the run folder; the last names the `classes` that the networks tell apart.
    Raises UserError as `train` does.
    """
    labels = [{"macs": cost(a).macs, "compact": spell_arch(a)} for a in networks]
    trainings = Trainings.on_record(
        [LabelledArch(*each) for each in zip(networks, labels, strict=True)],
        TrainingLog(run / PER_STAGE),
    )
    race = Race(tuple(range(len(networks))), seed, math.ceil(2.5 * len(networks)))

    def tell(record: TrainingRecord) -> None:
        done = len(trainings.records)
        progress(done, done + len(trainings.waiting), trainings.seconds_left)

    train(trainings, race, evaluator, executor, tell)
    eligible = trainings.accuracies.keys() - trainings.failures.keys()
    result = PerStageResult(
        tuple(networks), compare(trainings.accuracies, eligible), trainings.failures
    )
    _write(run, result, classes)
    return result


def _varied(stage: Stage, rng: random.Random) -> Stage:
    divisor = math.gcd(stage.channels, 8)
    channels = round_channels(stage.channels, rng.choice(_WIDTHS), divisor)
    repeats = max(1, stage.repeats + rng.choice(_LAYERS))
    groups = math.gcd(channels, stage.groups)
    return dataclasses.replace(stage, channels=channels, repeats=repeats, groups=groups)


def _write(run: Path, result: PerStageResult, classes: Sequence[str]) -> None:
    found = result.comparison
    rows = [_row(result, index) for index in range(len(result.networks))]
    write_rows(run / "per_stage.csv", list(rows[0]), rows)
    best = found.estimates[found.winner]
    write_arch(
        result.winner,
        run / "per_stage.yaml",
        {
            "source": "per_stage",
            "uniform": result.winner is result.networks[0],
            "uniform_holds": result.uniform_holds,
            "macs": cost(result.winner).macs,
            "accuracy": round(best.mean, 6),
            "stderr": None if best.stderr is None else round(best.stderr, 6),
            "seeds": best.seeds,
            **({"classes": list(classes)} if classes else {}),
        },
    )


def _spelt(stages: Sequence[Stage]) -> str:
    return " ".join(map(spell, stages))


def _row(result: PerStageResult, index: int) -> dict[str, Any]:
    arch, found = result.networks[index], result.comparison
    estimate = found.estimates.get(index)
    stderr = estimate.stderr if estimate else None
    return {
        "uniform": index == 0,
        "macs": cost(arch).macs,
        "accuracy": None if estimate is None else round(estimate.mean, 6),
        "stderr": None if stderr is None else round(stderr, 6),
        "seeds": 0 if estimate is None else estimate.seeds,
        "tied": index in found.ties,
        "winner": index == found.winner,
        "key": arch.key(),
        "stages": _spelt(arch.stages),
        "reason": result.failures.get(index, ""),
    }
