"""An evaluator whose cheap accuracies are biased, and one that trains its networks alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nas.evaluators.base import Effort, EvaluationFailed, Evaluator, Measurement, Report
from search_spaces.arch import Arch
from toy import Toy


@dataclass(frozen=True, kw_only=True)
class Alone(Toy):
    """Trains networks alone; some of them diverge."""

    failing: tuple[str, ...] = ()
    """Keys of networks that diverge."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        if arch.key() in self.failing:
            raise EvaluationFailed("diverged: loss nan at epoch 1")
        return super().evaluate(arch, seed, report)

    def describe(self) -> Mapping[str, str | int | float]:
        return {"dataset": "toy", "epochs": 4}

    def identity(self) -> Mapping[str, object]:
        return {"kind": "alone", "noise": self.noise}


@dataclass(frozen=True, kw_only=True)
class Biased(Evaluator):
    """Overrates kernels of 3 in the first stages, as shared weights may."""

    bias: float = 0.1
    alone: Alone = field(default_factory=Alone)

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        true = Toy.evaluate(self.alone, arch, seed, report).accuracy
        overrated = sum(stage.kernel == 3 for stage in arch.stages[:3]) / 3
        return Measurement(accuracy=0.8 * true + self.bias * overrated)

    def stand_alone(self) -> Evaluator:
        return self.alone

    def describe(self) -> Mapping[str, str | int | float]:
        return {"dataset": "toy"}

    def identity(self) -> Mapping[str, object]:
        return {"kind": "biased", "bias": self.bias}


@dataclass(frozen=True, kw_only=True)
class ToldAlone(Alone):
    """Says how long its trainings take."""

    def effort(self, arch: Arch) -> Effort:
        return Effort(evaluation=20.0)


@dataclass(frozen=True, kw_only=True)
class Told(Biased):
    """Says how long it takes."""

    def effort(self, arch: Arch) -> Effort:
        return Effort(preparation=100.0, evaluation=0.5)
