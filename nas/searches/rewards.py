"""Rewards: pure functions of accuracy and cost, which a search maximises."""

import abc
import math
from dataclasses import dataclass
from typing import Protocol

from nas.defaults.conf import default
from search_spaces.errors import UserError


class Reward(Protocol):
    """What a single-objective search maximises."""

    @property
    def target(self) -> float:
        """The cost that the search aims at."""
        ...

    def __call__(self, accuracy: float, cost: float) -> float:
        """The reward of a network of this accuracy (fraction) and cost (`target`'s unit)."""
        ...

    def accuracy_for(self, reward: float, cost: float) -> float:
        """The accuracy that a network of this cost needs for this reward."""
        ...


@dataclass(frozen=True, slots=True)
class TargetReward(abc.ABC):
    """A reward of this project, which the dashboard finds here and puts into words."""

    target: float

    @abc.abstractmethod
    def __call__(self, accuracy: float, cost: float) -> float: ...

    @abc.abstractmethod
    def accuracy_for(self, reward: float, cost: float) -> float: ...

    @abc.abstractmethod
    def formula(self, unit: str, target: str) -> str:
        """The reward in words, where a power follows ^: `accuracy · (MACs / 400M)^−0.07`."""


@dataclass(frozen=True, slots=True)
class Soft(TargetReward):
    """ACC · (cost / T)^w on both sides of the target (MnasNet, eq. 2, α = β; EfficientNet §4)."""

    exponent: float = default("reward/soft", "exponent")

    def __post_init__(self) -> None:
        _check_target(self.target)
        _check_negative("exponent", self.exponent)

    def __call__(self, accuracy: float, cost: float) -> float:
        return accuracy * math.pow(cost / self.target, self.exponent)

    def accuracy_for(self, reward: float, cost: float) -> float:
        return reward / math.pow(cost / self.target, self.exponent)

    def formula(self, unit: str, target: str) -> str:
        return f"accuracy · ({unit} / {target})^{_signed(self.exponent)}"


@dataclass(frozen=True, slots=True)
class Front(Soft):
    """Two objectives instead of a reward: the search looks for the front of accuracy and cost.

    The soft reward does no more than pick the baseline from what was found.
    """

    def formula(self, unit: str, target: str) -> str:
        return f"a front: proxy accuracy up, {unit} down"


@dataclass(frozen=True, slots=True)
class Hard(TargetReward):
    """ACC up to the target, ACC · (cost / T)^w beyond it (MnasNet, eq. 3, α = 0, β = −1)."""

    exponent: float = default("reward/hard", "exponent")

    def __post_init__(self) -> None:
        _check_target(self.target)
        _check_negative("exponent", self.exponent)

    def __call__(self, accuracy: float, cost: float) -> float:
        return accuracy * math.pow(max(1.0, cost / self.target), self.exponent)

    def accuracy_for(self, reward: float, cost: float) -> float:
        return reward / math.pow(max(1.0, cost / self.target), self.exponent)

    def formula(self, unit: str, target: str) -> str:
        return f"accuracy · max(1, {unit} / {target})^{_signed(self.exponent)}"


@dataclass(frozen=True, slots=True)
class Absolute(TargetReward):
    """ACC + β · |cost / T − 1| (TuNAS, arXiv 2008.06120, eq. 3)."""

    beta: float = default("reward/absolute", "beta")

    def __post_init__(self) -> None:
        _check_target(self.target)
        _check_negative("beta", self.beta)

    def __call__(self, accuracy: float, cost: float) -> float:
        return accuracy + self.beta * abs(cost / self.target - 1)

    def accuracy_for(self, reward: float, cost: float) -> float:
        return reward - self.beta * abs(cost / self.target - 1)

    def formula(self, unit: str, target: str) -> str:
        return f"accuracy {_signed(self.beta, ' ')} · |{unit} / {target} − 1|"


def pareto_front(points: list[tuple[float, float]]) -> list[bool]:
    """Whether each (accuracy, cost) point is Pareto-optimal: no other is better in one of them and
    no worse in the other.

    The first of several equal points is on the front, and the others are not.
    """
    order = sorted(range(len(points)), key=lambda i: (points[i][1], -points[i][0], i))
    best = -math.inf
    on_front = [False] * len(points)
    for index in order:
        accuracy = points[index][0]
        if accuracy > best:
            best = accuracy
            on_front[index] = True
    return on_front


def _signed(value: float, gap: str = "") -> str:
    plus = f"+{gap}" if gap else ""
    return f"{'−' + gap if value < 0 else plus}{abs(value):g}"


def _check_target(target: float) -> None:
    if not (math.isfinite(target) and target > 0):
        raise UserError(f"target: expected a cost above 0, got {target}")


def _check_negative(name: str, value: float) -> None:
    if not (math.isfinite(value) and value < 0):
        raise UserError(f"{name}: expected a number below 0, got {value}")
