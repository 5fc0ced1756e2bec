"""What many searches of many samplers amount to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.bench.runs import Result
from nas.bench.simulate import Step
from nas.bench.survey import Survey

Floats = NDArray[np.float64]

_RESAMPLES = 4000
_SAME = 1e-9
"""Rewards nearer than this are of the same network."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over searches, and where it lies with 95 %."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """A sampler after so many trials."""

    sampler: str
    trials: int
    searches: int
    regret: Interval
    """Best reward there is less the best found; for a front, 1 less the share of hypervolume."""
    hit: Interval
    """Share of the searches that had found the best there is (Wilson's interval)."""
    observed: Interval
    """Regret of the network whose measurement was best."""
    recommended: Interval | None
    """Regret of the network that the model recommends; None for a front."""
    milliseconds: float
    """Of processor time a suggestion, up to here."""


@dataclass(frozen=True, slots=True)
class Beaten:
    """Trials a sampler needed to find a network of more than a given reward."""

    sampler: str
    median: float
    """∞ where half of the searches found none."""
    share: float
    """Of the searches that found one."""


def best_known(survey: Survey, results: Sequence[Result], is_front: bool) -> float:
    """The most that could be found; in a large space, the most that ever was."""
    if is_front:
        return 1.0
    found = (step.found for result in results for step in result.steps[-1:])
    return max([survey.best, *found])


def rows(results: Sequence[Result], best: float, at: Sequence[int]) -> list[Row]:
    """A row for each sampler and number of trials, in the order of `results`."""
    samplers = list(dict.fromkeys(result.sampler for result in results))
    return [
        _row([r for r in results if r.sampler == sampler], best, trials)
        for sampler in samplers
        for trials in at
    ]


def _row(results: Sequence[Result], best: float, trials: int) -> Row:
    steps = [_after(result, trials) for result in results]
    regrets = np.array([best - step.found for step in steps])
    recommended = [step.recommended for step in steps]
    told = [value for value in recommended if value is not None]
    times = [step.seconds for result in results for step in result.steps[:trials]]
    return Row(
        sampler=results[0].sampler,
        trials=trials,
        searches=len(results),
        regret=mean_interval(regrets),
        hit=share_interval(int((regrets < _SAME).sum()), len(regrets)),
        observed=mean_interval(np.array([best - step.observed for step in steps])),
        recommended=mean_interval(best - np.array(told)) if len(told) == len(steps) else None,
        milliseconds=1000 * float(np.mean(times)),
    )


def _after(result: Result, trials: int) -> Step:
    """A search that exhausted its space stays where it came to."""
    return result.steps[min(trials, len(result.steps)) - 1]


def beaten(results: Sequence[Result], reward: float) -> list[Beaten]:
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
        found.append(Beaten(sampler, middle, float(np.isfinite(firsts).mean())))
    return found


def curve(results: Sequence[Result], best: float) -> tuple[Floats, Floats, Floats]:
    """Mean regret after each trial, with the ends of its interval; (trials,) each."""
    longest = max(len(result.steps) for result in results)
    regrets = np.array(
        [[best - _after(r, trials).found for trials in range(1, longest + 1)] for r in results]
    )
    means = _resampled(regrets)
    return regrets.mean(axis=0), *np.percentile(means, [2.5, 97.5], axis=0)


def mean_interval(values: Floats) -> Interval:
    """By bootstrap over the searches: regrets are anything but normal."""
    low, high = np.percentile(_resampled(values[:, None])[:, 0], [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def share_interval(hits: int, of: int, z: float = 1.96) -> Interval:
    """Wilson's."""
    share, unit = hits / of, z * z / of
    middle = (share + unit / 2) / (1 + unit)
    half = z / (1 + unit) * math.sqrt(share * (1 - share) / of + unit / (4 * of))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def _resampled(values: Floats) -> Floats:
    """(resamples, columns) means of (searches, columns) values, searches drawn with return."""
    count = len(values)
    drawn = np.random.default_rng(0).multinomial(count, [1 / count] * count, size=_RESAMPLES)
    means: Floats = drawn @ values / count
    return means
