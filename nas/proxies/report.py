"""What the trainings of a check amount to."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nas.networks.cost import cost, cost_and_capacity
from nas.statistics.rank_correlation import Tau, kendall, kendall_gain, together
from nas.trainings.record import TrainingRecord
from search_spaces.arch import Arch
from search_spaces.errors import UserError

RewardOf = Callable[[Arch, float], float]
"""What a search would make of a network and its accuracy."""

_LEAST = 5
"""Networks under which no ranking is spoken of."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well a proxy ranks the networks that it gave an accuracy to."""

    proxy: str
    networks: int
    failed: int
    seconds: float
    """Of one core, for one training of a network."""
    tau: Tau
    over_macs: Tau
    """τ less that of MACs alone, on the same networks."""
    with_macs: Tau
    """τ of the proxy and the logarithm of MACs together, in equal parts: where it is above both,
    the proxy knows what MACs do not."""
    reward: Tau
    """τ of the rewards that the proxy's accuracies give with those that the true ones give."""
    spread: float
    """How far its accuracies lie apart over how far the true ones do, each as a share of their
    mean. Not finite where the true ones do not differ."""
    calibrated: Tau
    """τ of rewards, once the accuracies are raised to 1 / spread: with ACC · (cost / T)^w, what the
    exponent w · spread would give."""
    by_epoch: tuple[float, ...]
    """τ of the accuracies after each epoch."""


def accuracies(trained: Sequence[TrainingRecord], proxy: str) -> dict[str, float]:
    """Mean accuracy over seeds by network, of those whose every training went well."""
    of = [each for each in trained if each.evaluator == proxy]
    failed = {each.key for each in of if each.accuracy is None}
    return {
        key: statistics.fmean(e.accuracy for e in of if e.key == key and e.accuracy is not None)
        for key in dict.fromkeys(each.key for each in of)
        if key not in failed
    }


def dearest(trained: Sequence[TrainingRecord]) -> str:
    """The proxy whose trainings took longest: the truth, where there is no other."""
    proxies = dict.fromkeys(each.evaluator for each in trained)
    return max(proxies, key=lambda proxy: _seconds(trained, proxy))


@dataclass(frozen=True, slots=True)
class Baseline:
    """How well something that costs nothing ranks the networks."""

    name: str
    tau: Tau | None
    reward: Tau | None


def baselines(
    archs: Sequence[Arch], truth: Mapping[str, float], reward: RewardOf
) -> tuple[Baseline, ...]:
    """MACs, parameters and capacities as if they were accuracies; and one accuracy for all, which
    leaves rewards to the cost alone."""
    known = [arch for arch in archs if arch.key() in truth]
    true = [truth[arch.key()] for arch in known]
    usual = statistics.fmean(true)
    by_cost = kendall([reward(arch, usual) for arch in known], _rewards(known, true, reward))
    costs, capacities = zip(*map(cost_and_capacity, known), strict=True)
    free = {
        "MACs": [each.macs for each in costs],
        "params": [each.params for each in costs],
        "capacity, params": [each.params for each in capacities],
        "capacity, activations": [each.activations for each in capacities],
    }
    return (
        *(Baseline(f"{name} alone", kendall(said, true), None) for name, said in free.items()),
        Baseline("one accuracy for all", None, by_cost),
    )


def verdict(
    proxy: str,
    trained: Sequence[TrainingRecord],
    archs: Sequence[Arch],
    truth: Mapping[str, float],
    reward: RewardOf,
) -> Verdict:
    """Raises UserError where too few networks have both an accuracy and a true one."""
    found = accuracies(trained, proxy)
    both = [arch for arch in archs if arch.key() in found and arch.key() in truth]
    if len(both) < _LEAST:
        raise UserError(
            f"proxies.{proxy}: expected at least {_LEAST} networks with an accuracy, "
            f"got {len(both)}"
        )
    keys = [arch.key() for arch in both]
    true = [truth[key] for key in keys]
    said, macs = [found[key] for key in keys], [float(cost(arch).macs) for arch in both]
    spread = _spread(said) / (_spread(true) or math.nan)
    evened = _evened(said, true, spread)
    rewards = _rewards(both, true, reward)
    return Verdict(
        proxy=proxy,
        networks=len(both),
        failed=len(archs) - len(both),
        seconds=_seconds(trained, proxy),
        tau=kendall(said, true),
        over_macs=kendall_gain(said, macs, true),
        with_macs=kendall(together(said, [math.log(each) for each in macs]), true),
        reward=kendall(_rewards(both, said, reward), rewards),
        spread=spread,
        calibrated=kendall(_rewards(both, evened, reward), rewards),
        by_epoch=_by_epoch([e for e in trained if e.evaluator == proxy], keys, true),
    )


HEADER = (
    "proxy", "failed", "s a network", "Kendall τ [95 %]", "less MACs' τ", "with MACs",
    "of the reward", "spread", "calibrated",
)  # fmt: skip


def cells(verdicts: Sequence[Verdict], baselines: Sequence[Baseline]) -> list[tuple[str, ...]]:
    """The report as text, a row for each proxy and each baseline, under HEADER."""
    rows = [
        (
            v.proxy,
            str(v.failed),
            f"{v.seconds:.1f}",
            *map(str, (v.tau, v.over_macs, v.with_macs, v.reward)),
            f"{v.spread:.1f}" if math.isfinite(v.spread) else "–",
            str(v.calibrated),
        )
        for v in verdicts
    ]
    return rows + [
        (b.name, "", "0.0", str(b.tau or ""), "", "", str(b.reward or ""), "", "")
        for b in baselines
    ]


def _spread(accuracies: Sequence[float]) -> float:
    return statistics.pstdev(accuracies) / (statistics.fmean(accuracies) or math.nan)


def _evened(said: Sequence[float], true: Sequence[float], spread: float) -> list[float]:
    """The accuracies about the true mean, as far apart as the true ones; as they are where one
    of both do not differ."""
    if not spread > 0:
        return list(said)
    usual, mean = statistics.fmean(true), statistics.fmean(said)
    return [usual * (value / mean) ** (1 / spread) for value in said]


def _rewards(archs: Sequence[Arch], accuracies: Sequence[float], reward: RewardOf) -> list[float]:
    return [reward(arch, value) for arch, value in zip(archs, accuracies, strict=True)]


def _seconds(trained: Sequence[TrainingRecord], proxy: str) -> float:
    return statistics.fmean(e.processor_seconds for e in trained if e.evaluator == proxy)


def _by_epoch(
    trained: Sequence[TrainingRecord], keys: Sequence[str], true: Sequence[float]
) -> tuple[float, ...]:
    curves = [[each.curve for each in trained if each.key == key] for key in keys]
    epochs = min((len(curve) for of in curves for curve in of), default=0)
    return tuple(
        kendall([statistics.fmean(c[epoch] for c in of) for of in curves], true).value
        for epoch in range(epochs)
    )
