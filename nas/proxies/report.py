"""What the trainings of a check amount to."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas.networks.cost import cost
from nas.proxies.ranking import Tau, kendall, kendall_gain, together
from nas.proxies.trainings import Trained
from search_spaces.arch import Arch
from search_spaces.errors import UserError

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
    by_epoch: tuple[float, ...]
    """τ of the accuracies after each epoch."""


def accuracies(trained: Sequence[Trained], proxy: str) -> dict[str, float]:
    """Mean accuracy over seeds by network, of those whose every training went well."""
    of = [each for each in trained if each.proxy == proxy]
    failed = {each.key for each in of if each.accuracy is None}
    return {
        key: statistics.fmean(e.accuracy for e in of if e.key == key and e.accuracy is not None)
        for key in dict.fromkeys(each.key for each in of)
        if key not in failed
    }


def dearest(trained: Sequence[Trained]) -> str:
    """The proxy whose trainings took longest: the truth, where there is no other."""
    return max(dict.fromkeys(each.proxy for each in trained), key=lambda p: _seconds(trained, p))


def verdict(
    proxy: str, trained: Sequence[Trained], archs: Sequence[Arch], truth: Mapping[str, float]
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
    return Verdict(
        proxy=proxy,
        networks=len(both),
        failed=len(archs) - len(both),
        seconds=_seconds(trained, proxy),
        tau=kendall(said, true),
        over_macs=kendall_gain(said, macs, true),
        with_macs=kendall(together(said, [math.log(each) for each in macs]), true),
        by_epoch=_by_epoch([e for e in trained if e.proxy == proxy], keys, true),
    )


def _seconds(trained: Sequence[Trained], proxy: str) -> float:
    return statistics.fmean(each.seconds for each in trained if each.proxy == proxy)


def _by_epoch(
    trained: Sequence[Trained], keys: Sequence[str], true: Sequence[float]
) -> tuple[float, ...]:
    curves = [[each.curve for each in trained if each.key == key] for key in keys]
    epochs = min((len(curve) for of in curves for curve in of), default=0)
    return tuple(
        kendall([statistics.fmean(c[epoch] for c in of) for of in curves], true).value
        for epoch in range(epochs)
    )
