"""What a search has found: its baseline, its front, who ties, and what confirms it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from nas.prediction.correction import corrected
from nas.prediction.features import Encoding
from nas.runs.records import Confirmed, Record, Standing
from nas.searches.rewards import Reward, pareto_front
from nas.statistics.comparison import within_noise
from nas.statistics.intervals import mean_error
from search_spaces.space import Space

_STEP = 1e-4
"""The difference in accuracy by which the slope of a reward is taken"""


def search_result(
    records: Sequence[Record],
    baseline: Record | None = None,
    confirmed: Mapping[int, Confirmed] | None = None,
    unconfirmed: Mapping[int, str] | None = None,
) -> Standing | None:
    """The baseline, the front, and who ties; None when nothing is finished.

    The baseline is, of the records that were confirmed, the one of the best expected reward;
    without such the one that is recommended, or else the finished record of best reward.
    """
    finished = [record for record in records if record.accuracy is not None]
    if not finished:
        return None
    known = confirmed or {}
    luckiest = max(finished, key=lambda record: (_reward(record), -record.number))
    best = _confirmed_best(finished, known) or baseline or luckiest
    points = [(record.accuracy or 0.0, record.cost) for record in finished]
    front = [r for r, on_front in zip(finished, pareto_front(points), strict=True) if on_front]
    if best.number in known:
        ties = [r for r in finished if r is not best and r.number in known and known[r.number].tie]
    else:
        ties = [r for r in finished if r is not best and _ties(r, best)]
    return Standing(
        best,
        luckiest,
        tuple(sorted(front, key=lambda record: record.cost)),
        tuple(ties),
        known,
        unconfirmed or {},
    )


def confirmed_records(
    records: Sequence[Record],
    expected: Mapping[int, float],
    accuracies: Mapping[int, Sequence[float]],
    space: Space,
    reward: Reward,
) -> dict[int, Confirmed]:
    """What is known of the records whose networks were trained alone, by their numbers.

    `accuracies` are of these trainings, a seed each, and `expected` is what the search's own values
    make expect of each finished record. A record ties with the best where its reward is within two
    standard errors of their difference.
    """
    known = [record for record in records if record.number in accuracies]
    if not known:
        return {}
    measured = [accuracies[record.number] for record in known]
    errors = [mean_error(of_network) for of_network in measured]
    dear = np.array([np.mean(of_network) for of_network in measured])
    encoding = Encoding(space.choices)
    features = encoding.features(encoding.rows(record.choices for record in known))
    found = corrected(features, np.array([expected[record.number] for record in known]), dear)
    stderrs = errors if found.stderrs is None else found.stderrs.tolist()
    means = found.accuracies.tolist()
    pairs = list(zip(known, means, strict=True))
    rewards = [reward(accuracy, record.cost) for record, accuracy in pairs]
    slopes = np.array(
        [
            (reward(accuracy, r.cost) - reward(accuracy - _STEP, r.cost)) / _STEP
            for r, accuracy in pairs
        ]
    )
    best = int(np.argmax(rewards))

    def ties(place: int) -> bool:
        if found.covariance is None:
            of_both = [slopes[each] * (stderrs[each] or 0.0) for each in (best, place)]
            return within_noise(rewards[best], of_both[0], rewards[place], of_both[1])
        apart = np.zeros(len(known))
        apart[best] += slopes[best]
        apart[place] -= slopes[place]
        error = math.sqrt(max(0.0, float(apart @ found.covariance @ apart)))
        return within_noise(rewards[best], error, rewards[place], 0.0)

    return {
        record.number: Confirmed(
            accuracy=float(dear[place]),
            stderr=errors[place],
            seeds=len(measured[place]),
            expected=means[place],
            expected_stderr=stderrs[place],
            reward=rewards[place],
            tie=place != best and bool(ties(place)),
        )
        for place, record in enumerate(known)
    }


def _confirmed_best(
    finished: Sequence[Record], confirmed: Mapping[int, Confirmed]
) -> Record | None:
    rewards = {number: each.reward for number, each in confirmed.items() if each.reward is not None}
    known = [record for record in finished if record.number in rewards]
    return max(known, key=lambda record: (rewards[record.number], -record.number), default=None)


def _reward(record: Record) -> float:
    return -math.inf if record.reward is None else record.reward


def _ties(other: Record, best: Record) -> bool:
    """Whether the rewards of two records differ by no more than noise."""
    return within_noise(_reward(best), _reward_error(best), _reward(other), _reward_error(other))


def _reward_error(record: Record) -> float:
    """The standard error of a reward, 0 where none was measured.

    Reward is close to proportional to accuracy, and so has the relative error of accuracy.
    """
    if not record.accuracy or not record.accuracy_stderr:
        return 0.0
    return record.accuracy_stderr / record.accuracy * _reward(record)
