"""Which trainings the sweep does: a function of the records alone, so that any rerun agrees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Pair = tuple[int, int]
"""(candidate, seed)."""
Results = Mapping[Pair, float | None]
"""Accuracy by (candidate, seed) of every finished training; None for a failed one."""


class Strategy(Protocol):
    """Decides what to train next; from equal results it decides equally."""

    def pending(self, results: Results) -> Sequence[Pair]:
        """(candidate, seed) still to be trained before anything else can be decided.

        Empty when the sweep is complete. Results that no decision asked for are ignored.
        """
        ...


@dataclass(frozen=True, slots=True)
class FlatGrid:
    """Every candidate with every seed."""

    candidates: int
    seeds: tuple[int, ...]

    def pending(self, results: Results) -> list[Pair]:
        """All that is missing, seed by seed: an interrupted sweep has compared like with like."""
        return [
            (candidate, seed)
            for seed in self.seeds
            for candidate in range(self.candidates)
            if (candidate, seed) not in results
        ]
