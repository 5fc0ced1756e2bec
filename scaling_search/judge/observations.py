"""Where trained networks lie on the surface: those of a grid, and any grown from its baseline."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, get_args

import numpy as np

from nas.trainings.record import TrainingRecord
from scaling_search.grow.grid import Candidate, Grid
from scaling_search.grow.grown import Grown, macs_ratio
from scaling_search.judge.directions import Directions, exponents, make_directions
from scaling_search.judge.surface import Places, Seen
from scaling_search.rule.compound import COMPOUND, PAPER
from scaling_search.rule.rule import Constants, Multipliers, Rule
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding

_ROOM = 1.1


class Place(NamedTuple):
    """Where one network lies: see `Places`."""

    growth: tuple[float, ...]
    cost: float


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
    # Constants that are all too small to cost so much leave no direction; alike they are enough.
    alike = ratio ** (1 / exponents(grid.rule).sum())
    return make_directions(grid.rule, ratio, max(settings.max, _ROOM * float(alike)))


def places_of(grid: Grid, directions: Directions, beside: Sequence[Grown]) -> Places:
    """The places of the candidates, and after them of the networks beside the grid.

    A candidate that several grid points realise lies in their midst.
    """
    phi = grid.settings.phi
    logs = [_midst(candidate, phi) for candidate in grid.candidates]
    logs += [np.log(grown.multipliers.values).tolist() for grown in beside]
    everyone = (*grid.candidates, *beside)
    costs = [math.log(macs_ratio(grown.arch, grid.baseline)) for grown in everyone]
    return Places(directions.growths(np.array(logs)), np.array(costs) / _unit(directions))


def star(directions: Directions) -> list[Constants]:
    """The known constants, and around them two for each dimension.

    One moves half of what the other dimensions have to it, the other all that it has to them.
    """
    shares = [directions.known]
    for corner, share in zip(np.eye(len(directions.known)), directions.known, strict=True):
        shares.append(directions.known + (corner - directions.known) / 2)
        if share < 1:
            shares.append(directions.known - (corner - directions.known) * share / (1 - share))
    return [directions.constants(each) for each in shares]


def observe(
    records: Iterable[TrainingRecord],
    baseline: Arch,
    directions: Directions,
    known: Mapping[str, Place] = MappingProxyType({}),
    evaluator: str = "",
    images: int | None = None,
) -> Seen:
    """The finished trainings of networks grown from the baseline, whoever asked for them.

    Of several evaluators' trainings, only those by the one so called. Places are those known by the
    networks' keys, or what the records say they were multiplied by. `images` are those that
    accuracies are counted on, where that is known. Where none of the trainings can be told from
    chance, they say nothing, and none is seen.
    """
    places: dict[str, Place] = {}
    accuracies: dict[str, list[float]] = {}
    at_chance = 0
    for record in records:
        key = record.key
        if record.evaluator != evaluator or record.accuracy is None:
            continue
        if key not in places:
            place = known.get(key) or _place(record, baseline, directions)
            if place is None:
                continue
            places[key] = place
        accuracies.setdefault(key, []).append(record.accuracy)
        at_chance += record.at_chance
    if at_chance and at_chance == sum(map(len, accuracies.values())):
        return replace(observe((), baseline, directions), at_chance=at_chance)
    growth = np.array([places[key].growth for key in accuracies])
    shape = len(accuracies), len(directions.rule.dimensions)
    costs = np.array([places[key].cost for key in accuracies])
    return Seen.of(Places(growth.reshape(shape), costs), list(accuracies.values()), images)


def places_by_key(networks: Sequence[Grown], places: Places) -> dict[str, Place]:
    """The places of networks, by their keys."""
    growths: list[list[float]] = places.growth.tolist()
    costs: list[float] = places.cost.tolist()
    return {
        network.arch.key(): Place(tuple(growth), cost)
        for network, growth, cost in zip(networks, growths, costs, strict=True)
    }


def _place(record: TrainingRecord, baseline: Arch, directions: Directions) -> Place | None:
    if record.labels.get("baseline") != baseline.key():
        return None
    asked = asked_multipliers(record, baseline, directions.rule)
    if asked is None:
        return None
    growth: list[float] = directions.growths(np.log(asked.values)).tolist()
    return Place(tuple(growth), math.log(macs_ratio(record.arch, baseline)) / _unit(directions))


def _unit(directions: Directions) -> float:
    return math.log(directions.ratio)


def asked_multipliers(record: TrainingRecord, baseline: Arch, rule: Rule) -> Multipliers | None:
    """What the record says its network was multiplied by; None where that makes another one."""
    labels = {name: record.labels.get(name) for name in rule.names}
    named = {name: v for name, v in labels.items() if isinstance(v, int | float) and v > 0}
    if len(named) < len(labels):
        return None
    asked = rule.multipliers(**named)
    # A family's members differ from what growth makes in their dropout.
    grown = record.arch.replace(dropout=baseline.dropout)
    return asked if grown.key() in _realised(asked, baseline) else None


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
