"""What recipe, architecture and scaling are each worth: all combinations of them, trained.

EfficientNet (arXiv 1905.11946) does not take these apart; ResNet-RS (arXiv 2103.07579) found that
much of what is taken for architecture is recipe and scaling.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.networks.cost import cost
from nas.runs.csv_files import write_rows
from nas.statistics.factorial import Effects, factorial_effects
from nas.trainings.engine import LabelledArch, Trainer, Trainings, train
from nas.trainings.log import PARTS as PARTS_LOG
from nas.trainings.log import TrainingLog
from nas.trainings.record import TrainingRecord
from nas.trainings.strategies import FlatGrid
from scaling_search.ablate import labels
from scaling_search.grow.parts import PARTS, Arm
from search_spaces.errors import UserError

ARMS_TABLE, EFFECTS_TABLE = "parts.csv", "effects.csv"
ARM_COLUMNS = (
    *PARTS,
    *("network", "difference", "macs", "params", "accuracy", "stderr", "seeds", "key", "reason"),
)
EFFECT_COLUMNS = ("kind", "effect", "points", "low", "high")


@dataclass(frozen=True, slots=True)
class ArmResult:
    """How accurate an arm is."""

    arm: Arm
    accuracy: float | None
    """The mean over the seeds; None where every training failed."""
    stderr: float | None
    """Standard error of that mean, from the noise pooled over all arms; None where nothing tells
    it."""
    seeds: int
    reason: str
    """Why it failed with some seed; empty where it did not."""


@dataclass(frozen=True, slots=True)
class PartsResult:
    """The arms, and what their parts are worth."""

    arms: tuple[ArmResult, ...]
    effects: Effects | None
    """In fractions of proxy accuracy; None where an arm has no accuracy."""


@dataclass(frozen=True, slots=True)
class PartsPlan:
    """The trainings of some arms: those on record, and those that are missing."""

    arms: tuple[Arm, ...]
    trainings: Mapping[str, Trainings]
    """By what records call their evaluator."""
    seeds: tuple[int, ...]

    @classmethod
    def of(cls, arms: Sequence[Arm], run: Path, *, seeds: int = 3, seed: int = 0) -> "PartsPlan":
        """Read what is on record in the run folder.

        Raises UserError for fewer than two seeds, and where the log is damaged.
        """
        if seeds < 2:
            raise UserError(
                f"seeds: expected at least 2, as one tells no effect from noise, got {seeds}"
            )
        log = TrainingLog(run / PARTS_LOG)
        networks: dict[str, list[LabelledArch]] = {}
        for arm in arms:
            labelled = LabelledArch(arm.network.arch, _labels(arm))
            networks.setdefault(arm.evaluator, []).append(labelled)
        return cls(
            arms=tuple(arms),
            trainings={name: Trainings.on_record(of, log, name) for name, of in networks.items()},
            seeds=tuple(range(seed, seed + seeds)),
        )

    @property
    def total(self) -> int:
        """The number of trainings that are asked for."""
        return len(self.arms) * len(self.seeds)

    @property
    def missing(self) -> tuple[Arm, ...]:
        """The arm of each training that is not on record, once a training."""
        by_evaluator = {
            name: [arm for arm in self.arms if arm.evaluator == name] for name in self.trainings
        }
        return tuple(
            by_evaluator[name][index]
            for name, trainings in self.trainings.items()
            for index, _ in self.strategy(name).pending(trainings.results)
        )

    def strategy(self, evaluator: str) -> FlatGrid:
        """Every arm of one evaluator with every seed."""
        return FlatGrid(len(self.trainings[evaluator].networks), self.seeds)

    def seconds(self, alike: Sequence[TrainingRecord]) -> float | None:
        """About how long the missing trainings take one worker, by how long others took.

        `alike` are trainings by evaluators that are as slow; time is taken to grow with MACs. None
        without any that took time.
        """
        own = [record for each in self.trainings.values() for record in each.records.values()]
        took = [record for record in (*own, *alike) if record.state == "finished"]
        macs = sum(cost(record.arch).macs for record in took)
        seconds = sum(record.seconds for record in took)
        if not seconds:
            return None
        return seconds / macs * sum(arm.network.cost.macs for arm in self.missing)


def train_parts(
    plan: PartsPlan,
    trainers: Mapping[str, Trainer],
    run: Path,
    on_finish: Callable[[TrainingRecord], None] = lambda record: None,
) -> PartsResult:
    """Train what is missing, and say what each part is worth.

    `trainers` are by what arms call their evaluator. Records go to `parts.jsonl`, the arms to
    `parts.csv`, what parts are worth to `effects.csv`, in the run folder. Raises UserError as
    `train` does.
    """
    for name, trainings in plan.trainings.items():
        trainer, strategy = trainers[name], plan.strategy(name)
        train(trainings, strategy, trainer.evaluator, trainer.executor, on_finish)
    result = _result(plan)
    write_rows(run / ARMS_TABLE, ARM_COLUMNS, map(_arm_row, result.arms))
    write_rows(run / EFFECTS_TABLE, EFFECT_COLUMNS, _effect_rows(result.effects))
    return result


def _result(plan: PartsPlan) -> PartsResult:
    accuracies: list[Mapping[int, float]] = []
    reasons: list[str] = []
    for arm in plan.arms:
        trainings = plan.trainings[arm.evaluator]
        keys = [network.arch.key() for network in trainings.networks]
        place = keys.index(arm.network.arch.key())
        accuracies.append(trainings.accuracies.get(place, {}))
        reasons.append(trainings.failures.get(place, ""))
    measured = {arm.cell: of for arm, of in zip(plan.arms, accuracies, strict=True)}
    effects = factorial_effects(plan.arms[0].parts, measured)
    results = [
        ArmResult(
            arm=arm,
            accuracy=statistics.fmean(of.values()) if of else None,
            stderr=effects.noise / math.sqrt(len(of)) if effects else None,
            seeds=len(of),
            reason=reason,
        )
        for arm, of, reason in zip(plan.arms, accuracies, reasons, strict=True)
    ]
    return PartsResult(tuple(results), effects)


def _labels(arm: Arm) -> dict[str, object]:
    return {**arm.versions(), **labels(arm.network)}


def _arm_row(result: ArmResult) -> dict[str, Any]:
    arm = result.arm
    return {
        **arm.versions(),
        "network": arm.network.arch.name,
        "difference": round(arm.difference, 6),
        "macs": arm.network.cost.macs,
        "params": arm.network.cost.params,
        "accuracy": None if result.accuracy is None else round(result.accuracy, 6),
        "stderr": None if result.stderr is None else round(result.stderr, 6),
        "seeds": result.seeds,
        "key": arm.network.arch.key(),
        "reason": result.reason,
    }


def _effect_rows(effects: Effects | None) -> list[dict[str, Any]]:
    if effects is None:
        return []
    named = [
        *(("main", effect.name, effect.size) for effect in effects.main),
        *(("interaction", effect.name, effect.size) for effect in effects.interactions),
        *(("exchanged", effect.name, effect.size) for effect in effects.exchanged),
        ("total", "", effects.total),
    ]
    return [
        {
            "kind": kind,
            "effect": name,
            "points": round(100 * size.value, 4),
            "low": round(100 * size.low, 4),
            "high": round(100 * size.high, 4),
        }
        for kind, name, size in named
    ]
