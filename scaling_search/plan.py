"""What a sweep trains, and what decides the order: the settings made a strategy over a grid."""

import math
from typing import Any

from nas.trainings.engine import LabelledArch
from nas.trainings.strategies import FlatGrid, Race, Strategy
from scaling_search.grow.ablation import ungrown
from scaling_search.grow.grid import Candidate, Grid
from scaling_search.judge.guided import ModelGuided
from scaling_search.judge.observations import directions_of, origin, places_of
from scaling_search.settings import SweepSettings
from search_spaces.compact import spell_arch

_FEWEST = 20
"""Trainings that a model does for few candidates too: from fewer it learns little."""


def networks_of(grid: Grid) -> list[LabelledArch]:
    """The candidates, and after them the baseline."""
    baseline = ungrown(grid.baseline, grid.rule)
    labels = {"phi": 0.0, **baseline.asked(), **baseline.costs(), **origin(grid.baseline)}
    return [
        *(LabelledArch(candidate.arch, _labels(candidate)) for candidate in grid.candidates),
        LabelledArch(grid.baseline, {**labels, "compact": spell_arch(grid.baseline)}),
    ]


def strategy_of(settings: SweepSettings, grid: Grid) -> Strategy:
    """What decides which of these networks are trained; a grid alone trains who cannot win."""
    if settings.strategy == "grid":
        seeds = tuple(range(settings.seed, settings.seed + settings.seeds))
        return FlatGrid(len(grid.candidates), seeds)
    able = settings.in_band(grid)
    if settings.strategy == "race":
        return Race(able, settings.seed, settings.budget or math.ceil(2.5 * len(able)))
    directions = directions_of(grid)
    return ModelGuided(
        places=places_of(grid, directions),
        candidates=able,
        anchors=(len(grid.candidates),),
        directions=directions,
        first_seed=settings.seed,
        budget=settings.budget or max(_FEWEST, math.ceil(1.25 * len(able))),
        tolerance=settings.tolerance_points / 100,
    )


def _labels(candidate: Candidate) -> dict[str, Any]:
    return {
        **candidate.constants.named(),
        "phi": candidate.phi,
        "points": len(candidate.points),
        **candidate.asked(),
        **candidate.costs(),
        "compact": spell_arch(candidate.arch),
        **origin(candidate.baseline),
    }
