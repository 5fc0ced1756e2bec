"""Which trainings come next: a function of the records alone, so that any rerun agrees."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nas.statistics.comparison import Comparison, compare

Pair = tuple[int, int]
"""(candidate, seed)."""
Results = Mapping[Pair, float | None]
"""Accuracy by (candidate, seed) of every finished training; None for a failed one."""

_CONTENDERS = 3
"""Fewest candidates that a round of racing compares."""
_ROUND = 8
"""Fewest trainings in a round of racing, so that workers are not kept waiting for its end."""


class Strategy(Protocol):
    """Decides what to train next, and from equal results decides equally."""

    def pending(self, results: Results) -> Sequence[Pair]:
        """(candidate, seed) still to be trained before anything else can be decided.

        It is empty when all is done. Results that no decision asked for are ignored.
        """
        ...

    @property
    def most(self) -> int:
        """The trainings that it asks for in all, at most."""
        ...


@dataclass(frozen=True, slots=True)
class FlatGrid:
    """Every candidate with every seed."""

    candidates: int
    seeds: tuple[int, ...]

    @property
    def most(self) -> int:
        """The number of candidates times the number of seeds."""
        return self.candidates * len(self.seeds)

    def pending(self, results: Results) -> list[Pair]:
        """Give all that is missing, seed by seed: an interrupted grid compares like with like."""
        return [
            (candidate, seed)
            for seed in self.seeds
            for candidate in range(self.candidates)
            if (candidate, seed) not in results
        ]


@dataclass(frozen=True, slots=True)
class Race:
    """One training of each candidate, then more only of those that may still be the best.

    Each round trains the better half of the last round's number, by mean, of the candidates not
    yet separated from the leader; whoever was overtaken by noise may come back. It ends when
    the winner is separated from all others, or the budget is spent. Successive halving (Karnin
    et al., ICML 2013) over seeds instead of epochs: early epochs mislead about the last.
    """

    candidates: tuple[int, ...]
    first_seed: int
    budget: int
    """Trainings at most; one of each candidate is always done."""

    @property
    def most(self) -> int:
        """The budget."""
        return max(len(self.candidates), self.budget)

    def pending(self, results: Results) -> list[Pair]:
        """Give what is missing of the round that is under way.

        The rounds before are decided anew from their own results: what else has finished since,
        and in which order, changes nothing.
        """
        asked = [(candidate, self.first_seed) for candidate in self.candidates]
        size = len(self.candidates)
        while True:
            missing = [pair for pair in asked if pair not in results]
            if missing:
                return missing
            size = max(_CONTENDERS, math.ceil(size / 2))
            extra = self._next_round({pair: results[pair] for pair in asked}, size)
            if not extra:
                return []
            asked += extra

    def _next_round(self, results: Results, size: int) -> list[Pair]:
        comparison = self._comparison(results)
        if comparison is None or (comparison.noise is not None and not comparison.ties):
            return []
        contenders = sorted(
            {comparison.winner, *comparison.ties},
            key=lambda candidate: (-comparison.estimates[candidate].mean, candidate),
        )[:size]
        each = math.ceil(_ROUND / len(contenders))
        seeds = {candidate: self._next_seed(results, candidate) for candidate in contenders}
        pairs = [
            (candidate, seeds[candidate] + further)
            for further, candidate in itertools.product(range(each), contenders)
        ]
        return pairs[: max(0, self.budget - len(results))]

    def _comparison(self, results: Results) -> Comparison | None:
        failed = {candidate for (candidate, _), accuracy in results.items() if accuracy is None}
        accuracies: dict[int, dict[int, float]] = {}
        for (candidate, seed), accuracy in results.items():
            if accuracy is not None:
                accuracies.setdefault(candidate, {})[seed] = accuracy
        eligible = accuracies.keys() - failed
        return compare(accuracies, eligible) if eligible else None

    def _next_seed(self, results: Results, candidate: int) -> int:
        return self.first_seed + sum(asked == candidate for asked, _ in results)
