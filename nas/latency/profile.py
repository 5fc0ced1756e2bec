"""A latency table from networks timed part by part, checked against networks timed whole.

A block is timed inside networks that run from end to end, not by itself: there its input and
weights lie in the caches as they do in a network, and nothing but the block is timed.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas.defaults.conf import default
from nas.latency.cover import covering
from nas.latency.measure import Array, LatencySettings, device_facts, time_networks
from nas.latency.table import LatencyTable, parts
from nas.statistics.rank_correlation import kendall_tau
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.space import Space

_TRIES = 100
"""Random networks drawn for each that is wanted: small spaces have few different ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings:
    """How many networks a table is made of and checked against."""

    contexts: int = default("latency", "contexts")
    """Networks that each block is timed in, at least."""
    networks: int = default("latency", "check")
    """Random networks whose measured latency is compared with the table's; 0 for none."""
    quantile: float = default("latency", "quantile")
    """The quantile of the timed runs that stands for all: the median, or less on a machine that
    others use."""

    def __post_init__(self) -> None:
        for name, least in (("contexts", 1), ("networks", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        if not 0 <= self.quantile <= 1:
            raise UserError(f"quantile: expected a number from 0 to 1, got {self.quantile}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Latencies, in seconds, of random networks that the table was not made of."""

    predicted: tuple[float, ...]
    measured: tuple[float, ...]
    halves: tuple[tuple[float, ...], tuple[float, ...]]
    """What every other run measured, and what the rest did: they show how far to trust either."""

    @property
    def error(self) -> float:
        """Mean absolute error, as a fraction of the measured latency."""
        return _error(self.predicted, self.measured)

    def within(self, share: float) -> float:
        """The fraction of networks whose latency is predicted within that share of it."""
        off = np.abs(np.divide(self.predicted, self.measured) - 1)
        return float((off <= share).mean())

    @property
    def tau(self) -> float:
        """Kendall's τ of the two orders."""
        return kendall_tau(self.predicted, self.measured)

    def summary(self) -> dict[str, Any]:
        """What the table's file says of it."""
        bias = np.mean(np.divide(self.predicted, self.measured)) - 1
        return {
            "networks": len(self.measured),
            "mean_absolute_error": round(self.error, 4),
            "within_5_percent": round(self.within(0.05), 4),
            "within_10_percent": round(self.within(0.1), 4),
            "bias": round(float(bias), 4),
            "kendall_tau": round(self.tau, 4),
            "fastest_ms": round(1e3 * min(self.measured), 3),
            "slowest_ms": round(1e3 * max(self.measured), 3),
            "noise_mean_absolute_difference": round(_error(*self.halves), 4),
            "noise_kendall_tau": round(kendall_tau(*self.halves), 4),
        }


def build_table(
    space: Space,
    settings: LatencySettings,
    options: TableSettings,
    progress: Callable[[int, int], None],
) -> tuple[LatencyTable, Check | None]:
    """A table of every block in `space`, timed here; and how well it predicts, if that is asked.

    Networks that are taken apart and networks that it is checked against take turns.
    """
    made_of = covering(space, options.contexts, settings.seed)
    others = _random_networks(space, options.networks, settings.seed, made_of)
    asked = [*((arch, True) for arch in made_of), *((arch, False) for arch in others)]
    session = time_networks(asked, settings, progress)
    wholes, pace = without_drift(session.wholes)
    count, quantile = len(made_of), options.quantile
    laps = [each / pace[:, None] for each in session.laps]
    seconds, scale = _times(made_of, laps, wholes[:count], quantile)
    about: dict[str, Any] = {
        "space": space.name,
        **device_facts(settings),
        **({} if session.share is None else {"processor_share": round(session.share, 3)}),
        "settings": settings.spelt(),
        "networks_taken_apart": count,
        "quantile": quantile,
    }
    table = LatencyTable(seconds, scale, about)
    if not others:
        return table, None
    check = _check(table, others, wholes[count:], quantile)
    return LatencyTable(seconds, scale, {**about, "check": check.summary()}), check


def without_drift(wholes: Sequence[Array]) -> tuple[list[Array], Array]:
    """(runs,) seconds of each network, less what slowed a whole round of them; and that pace.

    A round's pace is the median, over networks, of the time taken then over the usual time.
    """
    taken = np.array(wholes)
    pace = np.median(taken / np.median(taken, axis=1, keepdims=True), axis=0)
    return list(taken / pace), pace


def _times(
    archs: Sequence[Arch], laps: Sequence[Array], wholes: Sequence[Array], quantile: float
) -> tuple[dict[str, float], float]:
    """The time of each part over networks and runs; whole networks over the sum of their parts."""
    samples: dict[str, list[float]] = defaultdict(list)
    for arch, each in zip(archs, laps, strict=True):
        for part, column in zip(parts(arch), each.T, strict=True):
            samples[part] += map(float, column)
    seconds = {
        part: float(np.quantile(values, quantile)) for part, values in sorted(samples.items())
    }
    ratios = [
        np.quantile(whole, quantile) / sum(seconds[part] for part in parts(arch))
        for arch, whole in zip(archs, wholes, strict=True)
    ]
    return seconds, float(np.median(ratios))


def _check(
    table: LatencyTable, archs: Sequence[Arch], wholes: Sequence[Array], quantile: float
) -> Check:
    first, second = (
        tuple(float(np.quantile(w[start::2] if len(w) > 1 else w, quantile)) for w in wholes)
        for start in (0, 1)
    )
    return Check(
        predicted=tuple(table.latency(arch) for arch in archs),
        measured=tuple(float(np.quantile(whole, quantile)) for whole in wholes),
        halves=(first, second),
    )


def _random_networks(space: Space, count: int, seed: int, known: Sequence[Arch]) -> list[Arch]:
    rng = random.Random(seed + 1)
    seen = {arch.key() for arch in known}
    found: dict[str, Arch] = {}
    for _ in range(_TRIES * count):
        arch = space.decode(space.sample(rng))
        if arch.key() not in seen:
            found.setdefault(arch.key(), arch)
        if len(found) == count:
            break
    return list(found.values())


def _error(predicted: Sequence[float], measured: Sequence[float]) -> float:
    return float(np.mean(np.abs(np.divide(predicted, measured) - 1)))
