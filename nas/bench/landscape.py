"""A landscape: a space whose accuracies are known."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from nas.evaluators.base import EvaluationFailed, Evaluator
from nas.evaluators.measured import measured
from nas.networks.cost import cost
from nas.search.pricing import Macs, Price
from nas.search.rewards import Front, Reward
from search_spaces.arch import Arch
from search_spaces.space import Space


@dataclass(frozen=True, slots=True)
class Known:
    """A network's true accuracy, and its cost."""

    accuracy: float
    cost: float


@dataclass(frozen=True)
class Landscape:
    """What samplers are held against each other on."""

    space: Space
    evaluator: Evaluator
    """What a search measures."""
    truth: Evaluator
    """What its findings are judged by."""
    reward: Reward
    price: Price = field(default_factory=Macs)
    _memo: dict[str, Known | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_front(self) -> bool:
        """Whether accuracy and cost are two objectives."""
        return isinstance(self.reward, Front)

    def measure(self, arch: Arch, seed: int) -> float | None:
        """The accuracy that a search would measure; None where the evaluation fails."""
        return _accuracy(self.evaluator, arch, seed)

    def known(self, many: Sequence[Arch]) -> list[Known | None]:
        """What is true of each; None for what the truth says nothing of."""
        missing = {arch.key(): arch for arch in many if arch.key() not in self._memo}
        found = self._accuracies(list(missing.values()))
        for (key, arch), accuracy in zip(missing.items(), found, strict=True):
            price = self.price(arch, cost(arch))
            self._memo[key] = None if accuracy is None else Known(accuracy, price)
        return [self._memo[arch.key()] for arch in many]

    def reward_of(self, known: Known | None) -> float:
        """The true reward; −∞ where nothing is known."""
        return -float("inf") if known is None else self.reward(known.accuracy, known.cost)

    def _accuracies(self, many: Sequence[Arch]) -> list[float | None]:
        predicted = self.truth.predict_many(many)
        if predicted is not None:
            return list(predicted)
        return [_accuracy(self.truth, arch, 0) for arch in many]


def _accuracy(evaluator: Evaluator, arch: Arch, seed: int) -> float | None:
    try:
        return measured(evaluator, arch, seed, lambda epoch, accuracy: None).accuracy
    except EvaluationFailed:
        return None
