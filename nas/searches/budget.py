"""What a search is going to take in core-seconds, as far as that is known before it starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from statistics import fmean

from nas.evaluators.asked import effort
from nas.evaluators.base import Evaluator
from nas.networks.cost import cost
from nas.runs.records import Record
from nas.searches.confirmation import Confirmation
from nas.searches.loop import Search
from nas.searches.proposals import candidates_within
from search_spaces.arch import Arch

_LOOKED_AT = 9
"""Random candidates, the middle one of which by MACs stands for all"""


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of thing that a search does, so many times."""

    name: str
    count: int
    each: float | None
    """Core-seconds; None where nothing tells."""

    def __str__(self) -> str:
        spelt = f"{self.count:,} {self.name}{'s' * (self.count != 1)}"
        return spelt if self.each is None else f"{spelt} of {_spelt(self.each)}"


@dataclass(frozen=True, slots=True)
class Budget:
    """All that is still to be done."""

    preparation: float | None
    """Core-seconds, once; None where nothing tells."""
    steps: tuple[Step, ...]

    @property
    def core_seconds(self) -> float | None:
        """Give the core-seconds that all of it takes; None where nothing tells."""
        each = [step.count * step.each for step in self.steps if step.each is not None]
        if self.preparation is None or len(each) < len(self.steps):
            return None
        return self.preparation + sum(each)

    def __str__(self) -> str:
        parts = [str(step) for step in self.steps]
        if self.preparation:
            parts.insert(0, f"{_spelt(self.preparation)} of preparation")
        whole = self.core_seconds
        total = "its core-seconds become known as it runs" if whole is None else _spelt(whole)
        return f"{', '.join(parts)}: {total if whole is None else f'about {total} in all'}"


def search_budget(
    search: Search, evaluator: Evaluator, confirmation: Confirmation | None
) -> Budget | None:
    """The budget of a call; None where it has nothing left to do.

    What something takes is timed on a step beforehand where the evaluator can do that. Else it is
    what those on record took.
    """
    records = search.store.records()
    finished = [record for record in records if record.accuracy is not None]
    left = max(0, search.settings.trials - len(finished))
    trainings = _trainings(search, confirmation, records, left)
    if not left and not trainings:
        return None
    arch, seeds = typical(search), search.settings.seeds
    preparation: float | None = 0.0
    steps = []
    if left:
        found = effort(evaluator, arch)
        each = _recorded(finished) if found is None else seeds * found.evaluation
        steps.append(Step("evaluation", left, each))
        if not finished:  # else it was prepared for these
            preparation = None if found is None else found.preparation
    if confirmation is not None and trainings:
        alone = effort(confirmation.evaluator, arch)
        each = _trained(confirmation) if alone is None else alone.evaluation
        steps.append(Step("confirming training", trainings, each))
    return Budget(preparation, tuple(steps))


def _trainings(
    search: Search, confirmation: Confirmation | None, records: Sequence[Record], left: int
) -> int:
    """How many confirming trainings there are to come; at most, where the search is to go on."""
    if confirmation is None:
        return 0
    if left:
        return search.settings.confirm * search.settings.seeds
    return confirmation.missing(records)


def typical(search: Search) -> Arch:
    """A candidate within the limits, of middling MACs."""
    some = islice(candidates_within(search.space, search.limits(), Random(0)), _LOOKED_AT)
    archs = sorted(map(search.space.decode, some), key=lambda arch: cost(arch).macs)
    return archs[len(archs) // 2]


def _recorded(finished: Sequence[Record]) -> float | None:
    """Seconds of an evaluation, on average over those on record."""
    return fmean(record.seconds for record in finished) if finished else None


def _trained(confirmation: Confirmation) -> float | None:
    """Core-seconds of a confirming training, on average over those on record."""
    kept = [each for each in confirmation.log.read() if each.accuracy is not None]
    return fmean(each.processor_seconds for each in kept) if kept else None


def _spelt(core_seconds: float) -> str:
    digits = 0 if core_seconds >= 10 else 1 if core_seconds >= 1 else 2
    return f"{core_seconds:,.{digits}f} core-seconds"
