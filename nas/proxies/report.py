"""How well proxies rank networks, from the trainings of a check."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nas.networks.cost import cost, cost_and_capacity
from nas.statistics.intervals import Interval
from nas.statistics.rank_correlation import kendall, kendall_gain, standardised_sum
from nas.trainings.record import TrainingRecord
from search_spaces.arch import Arch
from search_spaces.errors import UserError

RewardOf = Callable[[Arch, float], float]
"""The reward that a search would give a network of an accuracy"""

_LEAST = 5
"""The fewest networks that a ranking is judged by"""
ENOUGH = 10
"""Networks below which a ranking is judged with nothing to conclude"""
NONE = "–"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well a proxy ranks the networks that it gave an accuracy to."""

    proxy: str
    networks: int
    failed: int
    seconds: float
    """Seconds of one core that one training of a network took, on average"""
    tau: Interval
    """Kendall's τ between the proxy's accuracies and the true ones"""
    over_macs: Interval
    """τ less the τ of MACs alone, on the same networks"""
    with_macs: Interval
    """τ of the sum of the standardised accuracies and logarithms of MACs: where it is above both,
    the proxy knows what MACs do not."""
    reward: Interval
    """τ between the rewards of the proxy's accuracies and those of the true ones"""
    spread: float
    """The coefficient of variation of the proxy's accuracies over that of the true ones; not
    finite where the true ones do not differ"""
    calibrated: Interval
    """τ between rewards, once the proxy's accuracies are raised to 1 / spread: what a reward
    ACC · (cost / T)^w would give with the exponent w · spread"""
    by_epoch: tuple[float, ...]
    """τ of the accuracies after each epoch"""


def accuracies(trained: Sequence[TrainingRecord], proxy: str) -> dict[str, float]:
    """Mean accuracy over seeds by network; networks with a failed training are left out."""
    found: dict[str, list[float | None]] = {}
    for each in trained:
        if each.evaluator == proxy:
            found.setdefault(each.key, []).append(each.accuracy)
    means = {}
    for key, values in found.items():
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            means[key] = statistics.fmean(known)
    return means


def dearest(trained: Sequence[TrainingRecord]) -> str:
    """The proxy whose trainings took longest; it stands for the truth where there is no other."""
    proxies = dict.fromkeys(each.evaluator for each in trained)
    return max(proxies, key=lambda proxy: _seconds(trained, proxy))


@dataclass(frozen=True, slots=True)
class Baseline:
    """How well something that needs no training ranks the networks."""

    name: str
    tau: Interval | None
    reward: Interval | None


def baselines(
    archs: Sequence[Arch], truth: Mapping[str, float], reward: RewardOf
) -> tuple[Baseline, ...]:
    """How MACs, parameters and capacities rank the networks, taken as accuracies; and how rewards
    do where all networks get the same accuracy, so that cost alone decides."""
    known = [arch for arch in archs if arch.key() in truth]
    true = [truth[arch.key()] for arch in known]
    mean = statistics.fmean(true)
    by_cost = kendall([reward(arch, mean) for arch in known], _rewards(known, true, reward))
    costs, capacities = zip(*map(cost_and_capacity, known), strict=True)
    free = {
        "MACs": [each.macs for each in costs],
        "params": [each.params for each in costs],
        "capacity, params": [each.params for each in capacities],
        "capacity, activations": [each.activations for each in capacities],
    }
    return (
        *(Baseline(f"{name} alone", kendall(sizes, true), None) for name, sizes in free.items()),
        Baseline("one accuracy for all", None, by_cost),
    )


def verdict(
    proxy: str,
    trained: Sequence[TrainingRecord],
    archs: Sequence[Arch],
    truth: Mapping[str, float],
    reward: RewardOf,
) -> Verdict:
    """How well a proxy ranks the networks by the accuracies that it gives them.

    Raises UserError where too few networks have both an accuracy of the proxy and a true one.
    """
    found = accuracies(trained, proxy)
    both = [arch for arch in archs if arch.key() in found and arch.key() in truth]
    if len(both) < _LEAST:
        raise UserError(
            f"proxies.{proxy}: expected at least {_LEAST} networks with an accuracy, "
            f"got {len(both)}"
        )
    keys = [arch.key() for arch in both]
    true = [truth[key] for key in keys]
    proxied, macs = [found[key] for key in keys], [float(cost(arch).macs) for arch in both]
    spread = _variation(proxied) / (_variation(true) or math.nan)
    calibrated = _calibrated(proxied, true, spread)
    rewards = _rewards(both, true, reward)
    return Verdict(
        proxy=proxy,
        networks=len(both),
        failed=len(archs) - len(both),
        seconds=_seconds(trained, proxy),
        tau=kendall(proxied, true),
        over_macs=kendall_gain(proxied, macs, true),
        with_macs=kendall(standardised_sum(proxied, [math.log(each) for each in macs]), true),
        reward=kendall(_rewards(both, proxied, reward), rewards),
        spread=spread,
        calibrated=kendall(_rewards(both, calibrated, reward), rewards),
        by_epoch=_by_epoch([e for e in trained if e.evaluator == proxy], keys, true),
    )


HEADER = (
    "proxy", "failed", "s a network", "Kendall τ [95 %]", "less MACs' τ", "with MACs",
    "of the reward", "spread", "calibrated",
)  # fmt: skip


def cells(
    verdicts: Sequence[Verdict], baselines: Sequence[Baseline], reference: str | None = None
) -> list[tuple[str, ...]]:
    """The report as text, a row for each proxy and each baseline, under HEADER.

    The proxy that stands for the truth, `reference`, is compared with nothing.
    """
    rows = [_row(v, is_reference=v.proxy == reference) for v in verdicts]
    return rows + [
        (b.name, NONE, "0.0", _cell(b.tau), NONE, NONE, _cell(b.reward), NONE, NONE)
        for b in baselines
    ]


def _row(v: Verdict, *, is_reference: bool) -> tuple[str, ...]:
    cost_of_it = (str(v.failed), f"{v.seconds:.1f}")
    if is_reference:
        return (f"{v.proxy}, the reference", *cost_of_it, *[NONE] * 6)
    return (
        v.proxy,
        *cost_of_it,
        *map(_cell, (v.tau, v.over_macs, v.with_macs, v.reward)),
        f"{v.spread:.1f}" if math.isfinite(v.spread) else NONE,
        _cell(v.calibrated),
    )


def conclusion(verdicts: Sequence[Verdict], reference: str | None) -> str:
    """What the check comes to, in a sentence; of few networks, what it cannot tell."""
    compared = [v for v in verdicts if v.proxy != reference]
    if not compared:
        return (
            f"Nothing is compared: {reference} alone was trained, and stands for the truth. Name "
            "another proxy, or a truth."
        )
    best, few = max(compared, key=lambda v: v.tau.value), min(v.networks for v in compared)
    if few < ENOUGH:
        wide = best.tau.high - best.tau.low
        return (
            f"{few} networks are too few to conclude which proxy ranks best, or whether one ranks "
            f"better than MACs alone: the 95 % interval of τ is {wide:.1f} wide. Check {ENOUGH} or "
            "more."
        )
    gain = f"{best.over_macs:.2f}"
    if best.over_macs.low > 0:
        return f"{best.proxy} ranks at τ {best.tau:.2f}, better than MACs alone by {gain}."
    return (
        f"No proxy is shown to rank better than MACs alone: {best.proxy} has the highest τ, "
        f"{best.tau:.2f}, a gain of {gain}."
    )


def _cell(tau: Interval | None) -> str:
    return NONE if tau is None else f"{tau:.2f}"


def _variation(accuracies: Sequence[float]) -> float:
    """The coefficient of variation: standard deviation over mean."""
    return statistics.pstdev(accuracies) / (statistics.fmean(accuracies) or math.nan)


def _calibrated(proxied: Sequence[float], true: Sequence[float], spread: float) -> list[float]:
    """The proxy's accuracies with the mean and the variation of the true ones; they are left as
    they are where they do not differ, or the true ones do not."""
    if not spread > 0:
        return list(proxied)
    mean, true_mean = statistics.fmean(proxied), statistics.fmean(true)
    return [true_mean * (value / mean) ** (1 / spread) for value in proxied]


def _rewards(archs: Sequence[Arch], accuracies: Sequence[float], reward: RewardOf) -> list[float]:
    return [reward(arch, value) for arch, value in zip(archs, accuracies, strict=True)]


def _seconds(trained: Sequence[TrainingRecord], proxy: str) -> float:
    return statistics.fmean(e.processor_seconds for e in trained if e.evaluator == proxy)


def _by_epoch(
    trained: Sequence[TrainingRecord], keys: Sequence[str], true: Sequence[float]
) -> tuple[float, ...]:
    curves_of: dict[str, list[tuple[float, ...]]] = {}
    for each in trained:
        curves_of.setdefault(each.key, []).append(each.curve)
    curves = [curves_of[key] for key in keys]
    epochs = min((len(curve) for of in curves for curve in of), default=0)
    return tuple(
        kendall([statistics.fmean(c[epoch] for c in of) for of in curves], true).value
        for epoch in range(epochs)
    )
