"""What a sweep trains, and what decides the order: the settings made a strategy over a grid."""

import math
from collections.abc import Iterable
from typing import Any

from nas.networks.cost import cost
from nas.trainings.engine import LabelledArch
from nas.trainings.strategies import FlatGrid, Race, Strategy
from scaling_search.grow.ablation import ungrown
from scaling_search.grow.grid import Candidate, Grid, counted, make_grid
from scaling_search.grow.grown import Grown, macs_ratio
from scaling_search.grow.timed_price import worth_timing
from scaling_search.judge.guided import ModelGuided
from scaling_search.judge.observations import directions_of, origin, places_of, star
from scaling_search.rule.rule import Constants
from scaling_search.settings import SweepSettings
from search_spaces.arch import Arch
from search_spaces.compact import spell_arch

_FEWEST = 20
"""Trainings that a model does for few candidates too: from fewer it learns little."""


def beside(settings: SweepSettings, grid: Grid) -> tuple[Grown, ...]:
    """The networks that are trained beside the grid's candidates: its baseline, and a star of a few
    at each other φ."""
    known = {candidate.arch.key() for candidate in grid.candidates}
    found: list[Grown] = []
    if grid.baseline.key() not in known:  # a generous tolerance has it among the candidates
        found.append(ungrown(grid.baseline, grid.rule))
        known.add(grid.baseline.key())
    around = star(directions_of(grid)) if settings.phis else []
    for phi in settings.phis:
        for constants in around:
            grown = _grown(grid, constants, phi, settings, len(found))
            if grown.arch.key() not in known:
                known.add(grown.arch.key())
                found.append(grown)
    return tuple(found)


def star_of(settings: SweepSettings, grid: Grid) -> tuple[Grown, ...]:
    """The baseline and the star at the sweep's own φ, each network once; what is a candidate is
    the candidate."""
    candidates = {candidate.arch.key(): candidate for candidate in grid.candidates}
    found: dict[str, Grown] = {grid.baseline.key(): ungrown(grid.baseline, grid.rule)}
    for constants in star(directions_of(grid)):
        grown = _grown(grid, constants, settings.phi, settings, len(found))
        key = grown.arch.key()
        found.setdefault(key, candidates.get(key, grown))
    return tuple(found.values())


def may_train(baseline: Arch, settings: SweepSettings) -> tuple[Arch, ...]:
    """All networks that a sweep may ask for, each once; nothing is timed to know them."""
    latency = settings.cost == "latency"
    asked = worth_timing(settings) if latency else settings
    grid = make_grid(baseline, asked, counted("macs" if latency else settings.cost))
    grown = [*grid.candidates, *beside(settings, grid)]
    if settings.epochs:
        grown += star_of(settings, grid)
    return tuple({each.arch.key(): each.arch for each in grown}.values())


def networks_of(settings: SweepSettings, grid: Grid) -> list[LabelledArch]:
    """The candidates, and after them what is trained beside them."""
    return labelled((*grid.candidates, *beside(settings, grid)))


def labelled(networks: Iterable[Grown]) -> list[LabelledArch]:
    """Networks with the labels that a sweep's records have."""
    return [LabelledArch(grown.arch, _labels(grown)) for grown in networks]


def strategy_of(settings: SweepSettings, grid: Grid, images: int | None = None) -> Strategy:
    """What decides which of these networks are trained; a grid alone trains who cannot win.

    `images` are those that accuracies are counted on, where that is known.
    """
    if settings.strategy == "grid":
        seeds = tuple(range(settings.seed, settings.seed + settings.seeds))
        return FlatGrid(len(grid.candidates), seeds)
    able = settings.in_band(grid)
    if settings.strategy == "race":
        return Race(able, settings.seed, settings.budget or math.ceil(2.5 * len(able)))
    directions, others = directions_of(grid), beside(settings, grid)
    anchors = [
        (index, settings.seed + repeated)
        for index, other in enumerate(others, start=len(grid.candidates))
        for repeated in range(1 if other.phi else 2)
    ]
    stars = sum(other.phi is not None for other in others)
    usual = max(_FEWEST, math.ceil(1.25 * len(able))) + stars
    return ModelGuided(
        places=places_of(grid, directions, others),
        candidates=able,
        anchors=tuple(anchors),
        directions=directions,
        first_seed=settings.seed,
        budget=settings.budget or usual,
        tolerance=settings.tolerance_points / 100,
        images=images,
    )


def _grown(
    grid: Grid, constants: Constants, phi: float, settings: SweepSettings, number: int
) -> Grown:
    """The network of a star with this number."""
    multipliers = constants.multipliers(phi)
    arch = multipliers.apply(grid.baseline, settings.depth_rounding)
    label = f"phi{phi:g}_star{number}"
    return Grown(
        label=label,
        arch=arch.replace(name=f"{grid.baseline.name}_{label}"),
        baseline=grid.baseline,
        multipliers=multipliers,
        constants=constants,
        phi=phi,
        cost=cost(arch),
        realised_ratio=macs_ratio(arch, grid.baseline),
    )


def _labels(grown: Grown) -> dict[str, Any]:
    points = {"points": len(grown.points)} if isinstance(grown, Candidate) else {}
    return {
        **(grown.constants.named() if grown.constants else {}),
        "phi": grown.phi or 0.0,
        **points,
        **grown.asked(),
        **grown.costs(),
        "compact": spell_arch(grown.arch),
        **origin(grown.baseline),
    }
