"""The log of parts that were taken apart: which arms there are, and what each part is worth so far.

It can be read at any moment, like those of a sweep and of an ablation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.dashboard.logs import Measured, add
from nas.statistics.factorial import Effects, factorial_effects
from nas.trainings.log import TrainingLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One combination of full and plain parts, and its trainings so far."""

    name: str
    """Which parts are plain in it, in words."""
    plain: frozenset[str]
    measured: Measured | None
    """None before its first training."""

    @property
    def accuracies(self) -> Mapping[int, float]:
        """Accuracy by seed, of the trainings that finished."""
        return self.measured.accuracies if self.measured else {}

    @property
    def trainings(self) -> int:
        """The number of its trainings, failed ones included."""
        return self.measured.trainings if self.measured else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was taken apart."""

    names: tuple[str, ...] = ()
    """The parts: recipe, architecture, scaling, or some of them."""
    arms: tuple[Arm, ...] = ()
    """Those that were asked for; there are none where config.yaml does not say which."""
    seeds: int = 0
    """Trainings of each arm that were asked for."""
    effects: Effects | None = field(default=None)
    """In fractions of proxy accuracy; None as long as an arm lacks an accuracy."""

    @property
    def done(self) -> int:
        """How many of the trainings that were asked for are done."""
        return sum(min(arm.trainings, self.seeds) for arm in self.arms)

    @property
    def begun(self) -> bool:
        """Whether any training is done."""
        return any(arm.trainings for arm in self.arms)


def read_parts(path: Path, asked: Mapping[str, Any]) -> Parts:
    """What a log says of the arms that were asked for; `asked` is config.yaml's, unchecked.

    Raises UserError for a log that is damaged.
    """
    names = tuple(map(str, _listed(asked.get("parts"))))
    seeds = asked.get("seeds")
    measured: dict[tuple[str, str], Measured] = {}
    for record in sorted(TrainingLog(path).read(), key=lambda record: record.seed):
        known = Measured(record.arch, record.labels)
        add(measured.setdefault((record.evaluator, record.key), known), record)
    arms = tuple(
        Arm(
            name=str(each.get("name", "")),
            plain=frozenset(map(str, _listed(each.get("plain")))),
            measured=measured.get((str(each.get("evaluator")), str(each.get("key")))),
        )
        for each in _listed(asked.get("arms"))
        if isinstance(each, Mapping)
    )
    cells = {tuple(name not in arm.plain for name in names): arm.accuracies for arm in arms}
    return Parts(
        names=names,
        arms=arms,
        seeds=max(seeds, 0) if isinstance(seeds, int) else 0,
        effects=factorial_effects(names, cells) if 0 < len(names) <= _MOST_PARTS else None,
    )


_MOST_PARTS = 8
"""More are in no file that is ours; their combinations would be too many to go through."""


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
