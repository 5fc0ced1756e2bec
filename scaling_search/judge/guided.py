"""The model-guided sweep: each training is the one that tells most about which network is best."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nas.trainings.strategies import Pair, Results
from scaling_search.judge.choose import most_telling
from scaling_search.judge.directions import Directions
from scaling_search.judge.draws import draw_networks
from scaling_search.judge.surface import Places, Seen, Surface, fit_surface

_DRAWS = 400
_HELD = 0.99
"""The probability that the contenders hold: more than is said, for what the model gets wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What some results say of every candidate."""

    surface: Surface
    candidates: tuple[int, ...]
    """Those that may win, in the order of the accuracies' columns; those that were trained come
    first."""
    trained: int
    """How many of them were trained; another is not named."""
    accuracies: NDArray[np.float64]
    """(draws, candidates) accuracies without the noise of a training."""

    @property
    def winner(self) -> int:
        """The trained candidate that is expected to be the most accurate."""
        return self.candidates[self._best]

    @property
    def regret(self) -> float:
        """How much more accurate the best candidate is expected to be than the winner."""
        return float((self.accuracies.max(axis=1) - self.accuracies[:, self._best]).mean())

    @property
    def contenders(self) -> frozenset[int]:
        """The fewest candidates one of which is the best with a probability of 95 %, at least."""
        best = np.bincount(self.accuracies.argmax(axis=1), minlength=len(self.candidates))
        order = np.argsort(-best, kind="stable")
        enough = int(np.searchsorted(np.cumsum(best[order]), _HELD * best.sum())) + 1
        return frozenset(self.candidates[i] for i in order[:enough]) | {self.winner}

    @property
    def _best(self) -> int:
        means = self.accuracies.mean(axis=0)
        return int(means[: self.trained or len(means)].argmax())


def believe(
    places: Places,
    candidates: Sequence[int],
    directions: Directions,
    results: Results,
    images: int | None = None,
) -> Belief:
    """The posterior of the candidates, given results; a candidate that failed cannot win.

    `images` are those that accuracies are counted on, where that is known.
    """
    failed = {candidate for (candidate, _), accuracy in results.items() if accuracy is None}
    seen: dict[int, list[float]] = {}
    for (candidate, _), accuracy in sorted(results.items()):
        if accuracy is not None:
            seen.setdefault(candidate, []).append(accuracy)
    surface = fit_surface(Seen.of(places[list(seen)], list(seen.values()), images), directions)
    rest = [candidate for candidate in candidates if candidate not in seen]
    everyone = [*seen, *rest]
    draws = draw_networks(surface, places[everyone], _DRAWS, seed=len(results))
    able = [i for i, each in enumerate(everyone) if each not in failed and each in set(candidates)]
    trained = sum(everyone[i] in seen for i in able)
    return Belief(surface, tuple(everyone[i] for i in able), trained, draws[:, able])


@dataclass(frozen=True, slots=True)
class ModelGuided:
    """A few trainings far apart, then those that the surface says tell most.

    Each block of trainings is decided from the results of all blocks but the one before it, so that
    workers have something to do while that one ends, and what is decided depends on the results
    alone. It ends when the winner is expected to be within the tolerance of the best, or the budget
    is spent.
    """

    places: Places
    candidates: tuple[int, ...]
    anchors: tuple[Pair, ...]
    """Trainings to begin with of networks that cannot win: of the baseline, which tells what growth
    brings at all, and at other φ."""
    directions: Directions
    first_seed: int
    budget: int
    tolerance: float
    """The accuracy, a fraction, by which the winner may be expected to miss the best."""
    block: int = 4
    first: int = 10
    images: int | None = None
    """Those that accuracies are counted on, where that is known."""
    _decided: dict[object, list[int]] = field(default_factory=dict, compare=False, repr=False)
    """What was decided from which results; deciding it again would give the same."""

    @property
    def most(self) -> int:
        """The budget."""
        return self.budget

    @property
    def opening(self) -> int:
        """How many trainings it begins with, whatever the budget."""
        return len(self.anchors) + min(self.first, len(self.candidates))

    def pending(self, results: Results) -> list[Pair]:
        """Give what is missing of the blocks that are under way."""
        first = self._first()
        blocks = [first[: -self.block], first[-self.block :]]
        while all(pair in results for block in blocks[:-1] for pair in block):
            known = {pair: results[pair] for block in blocks[:-1] for pair in block}
            more = self._next(known, blocks[-1])
            if not more:
                break
            blocks.append(more)
        return [pair for block in blocks for pair in block if pair not in results]

    def _first(self) -> list[Pair]:
        """The candidate nearest to the known direction, then each as far from these as can be."""
        growth = self.places.growth[list(self.candidates)]
        chosen = [int(((growth - self.directions.known) ** 2).sum(axis=1).argmin())]
        apart = np.full(len(growth), np.inf)
        while len(chosen) < min(self.first, len(growth)):
            apart = np.minimum(apart, ((growth - growth[chosen[-1]]) ** 2).sum(axis=1))
            chosen.append(int(apart.argmax()))
        first = [(self.candidates[index], self.first_seed) for index in chosen]
        # A budget of one is of a candidate.
        return [*first[:1], *self.anchors, *first[1:]][: self.budget]

    def _next(self, known: Results, under_way: Sequence[Pair]) -> list[Pair]:
        """The block after these; empty where the answer is settled or the budget spent."""
        asked = [*known, *under_way]
        count = min(self.block, self.budget - len(asked))
        if count < 1:
            return []
        key = (tuple(known.items()), tuple(under_way))
        if key not in self._decided:
            self._decided[key] = self._choose(known, under_way, count)
        return self._pairs(asked, self._decided[key])

    def _choose(self, known: Results, under_way: Sequence[Pair], count: int) -> list[int]:
        belief = believe(self.places, self.candidates, self.directions, known, self.images)
        if not belief.candidates or belief.regret <= self.tolerance:
            return []
        pending = [belief.candidates.index(c) for c, _ in under_way if c in belief.candidates]
        noise = belief.surface.noise
        chosen = most_telling(belief.accuracies, noise, count, pending)
        return [belief.candidates[column] for column in chosen]

    def _pairs(self, asked: Sequence[Pair], candidates: Sequence[int]) -> list[Pair]:
        """The candidates, each with its next seed."""
        pairs: list[Pair] = []
        for candidate in candidates:
            trained = sum(other == candidate for other, _ in (*asked, *pairs))
            pairs.append((candidate, self.first_seed + trained))
        return pairs
