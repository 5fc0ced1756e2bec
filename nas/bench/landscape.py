"""A landscape: a space whose accuracies are all known."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from nas.evaluators.asked import predict_many
from nas.evaluators.base import EvaluationFailed, Evaluator
from nas.evaluators.measured import measured
from nas.networks.cost import cost
from nas.searches.pricing import CostMetric, Macs
from nas.searches.rewards import Front, Reward
from search_spaces.arch import Arch
from search_spaces.space import Space


@dataclass(frozen=True, slots=True)
class TrueResult:
    """A network's true accuracy, and its cost."""

    accuracy: float
    cost: float


@dataclass(frozen=True)
class Landscape:
    """What samplers are compared on: a space, a reward, and the accuracies of all networks."""

    space: Space
    evaluator: Evaluator
    """It gives the accuracies that a search measures."""
    truth: Evaluator
    """It gives the true accuracies, by which findings are judged."""
    reward: Reward
    cost_metric: CostMetric = field(default_factory=Macs)
    _memo: dict[str, TrueResult | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_front(self) -> bool:
        """Whether accuracy and cost are two objectives."""
        return isinstance(self.reward, Front)

    def measure(self, arch: Arch, seed: int) -> float | None:
        """The accuracy that a search would measure; None where the evaluation fails."""
        return _accuracy(self.evaluator, arch, seed)

    def true_results(self, many: Sequence[Arch]) -> list[TrueResult | None]:
        """The true result of each network; None where the truth says nothing of it."""
        missing = {arch.key(): arch for arch in many if arch.key() not in self._memo}
        found = self._accuracies(list(missing.values()))
        for (key, arch), accuracy in zip(missing.items(), found, strict=True):
            paid = self.cost_metric(arch, cost(arch))
            self._memo[key] = None if accuracy is None else TrueResult(accuracy, paid)
        return [self._memo[arch.key()] for arch in many]

    def true_reward(self, result: TrueResult | None) -> float:
        """The reward of a true result; −∞ for None."""
        return -float("inf") if result is None else self.reward(result.accuracy, result.cost)

    def _accuracies(self, many: Sequence[Arch]) -> list[float | None]:
        predicted = predict_many(self.truth, many)
        if predicted is not None:
            return [*predicted]
        return [_accuracy(self.truth, arch, 0) for arch in many]


def _accuracy(evaluator: Evaluator, arch: Arch, seed: int) -> float | None:
    try:
        return measured(evaluator, arch, seed, lambda epoch, accuracy: None).accuracy
    except EvaluationFailed:
        return None
