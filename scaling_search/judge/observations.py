"""Where trained networks lie on the surface: those of a grid, and any grown from its baseline."""

import math
from collections.abc import Iterable, Sequence
from typing import get_args

import numpy as np

from nas.trainings.record import TrainingRecord
from scaling_search.grow.grid import Candidate, Grid
from scaling_search.grow.grown import macs_ratio
from scaling_search.judge.directions import Directions, make_directions
from scaling_search.judge.surface import Places, Seen
from scaling_search.rule.compound import COMPOUND, PAPER
from scaling_search.rule.rule import Multipliers, Rule
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding


def origin(baseline: Arch) -> dict[str, str]:
    """The label of a training's record that says which baseline the network was grown from."""
    return {"baseline": baseline.key()}


def directions_of(grid: Grid) -> Directions:
    """The directions that the grid's constants can take.

    Where the paper's constants meet the grid's constraint, so do all that are named: they multiply
    to what the paper's do, so that knowing nothing is to know the paper's.
    """
    settings, ratio = grid.settings, grid.settings.ratio
    if grid.rule.names == COMPOUND.names and abs(PAPER.product() - ratio) <= settings.tolerance:
        ratio = PAPER.product()
    return make_directions(grid.rule, ratio, settings.max)


def places_of(grid: Grid, directions: Directions) -> Places:
    """The candidates' places, and after them the baseline's.

    A candidate that several grid points realise lies in their midst.
    """
    phi = grid.settings.phi
    logs = [_midst(candidate, phi) for candidate in grid.candidates]
    costs = [math.log(candidate.realised_ratio) for candidate in grid.candidates]
    unit = math.log(directions.ratio)
    nowhere = np.zeros(len(grid.rule.dimensions))
    return Places(directions.growths(np.array([*logs, nowhere])), np.array([*costs, 0.0]) / unit)


def observe(
    records: Iterable[TrainingRecord], grid: Grid, directions: Directions, places: Places
) -> Seen:
    """The finished trainings of networks grown from the grid's baseline, whoever asked for them."""
    known = {each.arch.key(): index for index, each in enumerate(grid.candidates)}
    known[grid.baseline.key()] = len(grid.candidates)
    grown: dict[str, tuple[np.ndarray[tuple[int], np.dtype[np.float64]], float]] = {}
    accuracies: dict[str, list[float]] = {}
    unit = math.log(directions.ratio)
    for record in records:
        key = record.key
        if record.accuracy is None or record.labels.get("baseline") != grid.baseline.key():
            continue
        if key in known:
            grown[key] = places.growth[known[key]], float(places.cost[known[key]])
        elif key not in grown:
            asked = asked_multipliers(record, grid.baseline, grid.rule)
            if asked is None:
                continue
            cost = math.log(macs_ratio(record.arch, grid.baseline)) / unit
            grown[key] = directions.growths(np.log(asked.values)), cost
        accuracies.setdefault(key, []).append(record.accuracy)
    growth = np.array([grown[key][0] for key in accuracies])
    costs = np.array([grown[key][1] for key in accuracies])
    shape = (len(accuracies), len(grid.rule.dimensions))
    return Seen.of(Places(growth.reshape(shape), costs), list(accuracies.values()))


def asked_multipliers(record: TrainingRecord, baseline: Arch, rule: Rule) -> Multipliers | None:
    """What the record says its network was multiplied by; None where that makes another one."""
    labels = {name: record.labels.get(name) for name in rule.names}
    named = {name: v for name, v in labels.items() if isinstance(v, int | float) and v > 0}
    if len(named) < len(labels):
        return None
    asked = rule.multipliers(**named)
    return asked if record.key in _realised(asked, baseline) else None


def _realised(asked: Multipliers, baseline: Arch) -> set[str]:
    keys = set()
    for rounding in get_args(DepthRounding):
        try:
            keys.add(asked.apply(baseline, rounding).key())
        except UserError:  # larger than any network may be
            continue
    return keys


def _midst(candidate: Candidate, phi: float) -> Sequence[float]:
    logs = phi * np.log([point.values for point in candidate.points])
    midst: list[float] = logs.mean(axis=0).tolist()
    return midst
