"""How samplers compare over many searches."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.bench.reference import Reference
from nas.bench.runs import Result
from nas.bench.simulate import Step
from nas.statistics.intervals import Interval, mean_interval, mean_intervals, share_interval

Floats = NDArray[np.float64]

_SAME = 1e-9
"""Rewards that differ by less are of the same network."""


@dataclass(frozen=True, slots=True)
class SamplerSummary:
    """How well a sampler's searches did after so many trials."""

    sampler: str
    trials: int
    searches: int
    regret: Interval
    """The best reward there is less the best found; for a front, 1 less the share of its
    hypervolume"""
    hit: Interval
    """The share of the searches that had found the best there is"""
    observed: Interval
    """The regret of the network whose measurement was best"""
    recommended: Interval | None
    """The regret of the network that the model recommends; None for a front"""
    milliseconds: float
    """Milliseconds of processor time that a suggestion took up to here, on average"""


@dataclass(frozen=True, slots=True)
class TrialsToBeat:
    """How many trials a sampler needed to find a network of more than a given reward."""

    sampler: str
    median: float
    """The median over searches; ∞ where half of them found none"""
    share: float
    """The share of the searches that found one"""


def best_known(reference: Reference, results: Sequence[Result], is_front: bool) -> float:
    """The most that can be found; in a large space, the most that was ever found."""
    if is_front:
        return 1.0
    found = (step.found for result in results for step in result.steps[-1:])
    return max([reference.best, *found])


def summarise(results: Sequence[Result], best: float, at: Sequence[int]) -> list[SamplerSummary]:
    """A summary for each sampler and number of trials, in the order of `results`."""
    samplers = list(dict.fromkeys(result.sampler for result in results))
    return [
        _summary([r for r in results if r.sampler == sampler], best, trials)
        for sampler in samplers
        for trials in at
    ]


def _summary(results: Sequence[Result], best: float, trials: int) -> SamplerSummary:
    steps = [_after(result, trials) for result in results]
    regrets = np.array([best - step.found for step in steps])
    recommended = [step.recommended for step in steps if step.recommended is not None]
    times = [step.seconds for result in results for step in result.steps[:trials]]
    return SamplerSummary(
        sampler=results[0].sampler,
        trials=trials,
        searches=len(results),
        regret=mean_interval(regrets),
        hit=share_interval(int((regrets < _SAME).sum()), len(regrets)),
        observed=mean_interval(np.array([best - step.observed for step in steps])),
        recommended=(
            mean_interval(best - np.array(recommended)) if len(recommended) == len(steps) else None
        ),
        milliseconds=1000 * float(np.mean(times)),
    )


def _after(result: Result, trials: int) -> Step:
    """The step after so many trials; the last one of a search that exhausted its space sooner."""
    return result.steps[min(trials, len(result.steps)) - 1]


def trials_to_beat(results: Sequence[Result], reward: float) -> list[TrialsToBeat]:
    """How soon each sampler found more than `reward`."""
    samplers = list(dict.fromkeys(result.sampler for result in results))
    found = []
    for sampler in samplers:
        firsts = [
            next((float(s.trial) for s in r.steps if s.found > reward + _SAME), math.inf)
            for r in results
            if r.sampler == sampler
        ]
        ranked = sorted(firsts)
        middle = (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2
        found.append(TrialsToBeat(sampler, middle, float(np.isfinite(firsts).mean())))
    return found


def regret_curve(results: Sequence[Result], best: float) -> tuple[Floats, Floats, Floats]:
    """The mean regret after each trial, with the ends of its interval; (trials,) each."""
    longest = max(len(result.steps) for result in results)
    regrets = [
        [best - _after(r, trials).found for trials in range(1, longest + 1)] for r in results
    ]
    return mean_intervals(np.array(regrets))
