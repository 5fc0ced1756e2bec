"""What a sweep's constants.yaml names: the networks that may be the best, and the constants."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nas.dashboard.growth_rule import GrowthRule

MODEL = "model"
"""The strategy that names what it expects of all trainings together, not the highest mean."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The accuracy that a network is expected to have, a fraction."""

    accuracy: float
    stderr: float | None


@dataclass(frozen=True, slots=True)
class NamedNetworks:
    """The winner of a sweep by a model and its ties; neither before it ends."""

    winner: str | None = None
    """Its key."""
    ties: frozenset[str] = frozenset()
    """Keys of the others that may be the best."""
    untrained: int = 0
    """How many of the ties were never trained."""
    expected: Mapping[str, Expected] = field(default_factory=dict)
    """By key, of the winner and its ties."""


@dataclass(frozen=True, slots=True)
class ConstantEstimate:
    """A constant with its 95 % interval."""

    symbol: str
    value: float
    low: float
    high: float
    known: float
    """What is published."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The constants that all trainings speak for."""

    constants: tuple[ConstantEstimate, ...]
    """In the order of the rule."""
    largest: float | None
    """The largest constant of the grid, which begins at 1."""
    gain: float | None
    """How much more accurate than with the published ones networks are expected to be at equal
    cost, a fraction."""
    gain_stderr: float | None
    trainings: int | None
    weight: float | None
    """How far the named constants go from the published ones to these; None where nothing says."""


def strategy(asked: Mapping[str, Any], constants: Mapping[str, Any]) -> str:
    """The way the sweep was asked for last; empty where nothing says."""
    return str(asked.get("strategy") or constants.get("strategy") or "")


def is_answered(asked: Mapping[str, Any], constants: Mapping[str, Any]) -> bool:
    """Whether constants.yaml is the answer to what was asked, not to a sweep before it."""
    of_lengths = not asked.get("epochs") or bool(constants.get("turn_with_epochs"))
    of_strategy = asked.get("strategy") in (None, constants.get("strategy"))
    return bool(constants) and of_strategy and of_lengths


def named_networks(asked: Mapping[str, Any], constants: Mapping[str, Any]) -> NamedNetworks | None:
    """What a sweep by a model named; None for other sweeps, whose records say it."""
    if strategy(asked, constants) != MODEL:
        return None
    if constants.get("strategy") != MODEL:
        return NamedNetworks()
    best, ties = _mapping(constants.get("best")), constants.get("ties")
    others = [_mapping(each) for each in ties] if isinstance(ties, list) else []
    expected = {
        str(each["key"]): Expected(accuracy, _number(each.get("stderr")))
        for each in (best, *others)
        if "key" in each and (accuracy := _number(each.get("accuracy"))) is not None
    }
    return NamedNetworks(
        winner=str(best["key"]) if "key" in best else None,
        ties=frozenset(str(each["key"]) for each in others if "key" in each),
        untrained=sum(each.get("seeds") == 0 for each in others),
        expected=expected,
    )


def constants_verdict(constants: Mapping[str, Any]) -> str:
    """What the trainings add to what was known, in a sentence, and in others whether the best
    direction turns with cost and with the length of training; empty where nothing says."""
    said = [constants.get(name) for name in ("verdict", "turn_with_cost", "turn_with_epochs")]
    return " ".join(each for each in said if isinstance(each, str))


def estimate(constants: Mapping[str, Any], rule: GrowthRule) -> Estimate | None:
    """The estimate in constants.yaml; None where the file lacks it, or a part of it."""
    found = _mapping(constants.get("estimate"))
    intervals, known = _mapping(found.get("interval")), _mapping(found.get("known"))
    rows = []
    for each in rule.dimensions:
        ends = intervals.get(each.constant)
        low, high = ends if isinstance(ends, list) and len(ends) == 2 else (None, None)
        figures = [_number(v) for v in (found.get(each.constant), low, high)]
        figures.append(_number(known.get(each.constant)))
        complete = [figure for figure in figures if figure is not None]
        if len(complete) < len(figures):
            return None
        rows.append(ConstantEstimate(each.symbol, *complete))
    trainings = found.get("trainings")
    return Estimate(
        constants=tuple(rows),
        largest=_number(found.get("largest")),
        gain=_number(found.get("gain")),
        gain_stderr=_number(found.get("gain_stderr")),
        trainings=trainings if isinstance(trainings, int) else None,
        weight=_number(found.get("weight")),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
