"""One search on a landscape, by the search's own loop, with workers that take made-up time."""

import heapq
import time
from dataclasses import dataclass

import numpy as np
from optuna.trial import TrialState, create_trial

from nas.bench.landscape import Known, Landscape
from nas.bench.survey import Survey
from nas.samplers.base import Problem, SamplerFactory
from nas.samplers.recommend import recommend
from nas.search.proposals import Candidate, Limits, Proposer
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Step:
    """What a search had come to after one more finished trial."""

    trial: int
    """From 1."""
    found: float
    """Best true reward of all networks tried, or share of the true front's hypervolume."""
    observed: float
    """True reward of the network whose measured reward is best; `found` for fronts."""
    recommended: float | None
    """True reward of the network that the model recommends; None where it was not asked, since
    measurements are exact or it is no number of trials to compare at."""
    seconds: float
    """Of processor time that the suggestion took."""


@dataclass(slots=True)
class _Found:
    """What is known of the trials that are finished."""

    landscape: Landscape
    survey: Survey
    known: list[Known]
    best: float = -float("inf")
    best_measured: float = -float("inf")
    observed: float = -float("inf")

    def add(self, known: Known, measured: float) -> None:
        self.known.append(known)
        reward = self.landscape.reward_of(known)
        self.best = max(self.best, reward)
        if self.landscape.reward(measured, known.cost) > self.best_measured:
            self.best_measured = self.landscape.reward(measured, known.cost)
            self.observed = reward

    def step(self, recommended: int | None, seconds: float) -> Step:
        count = len(self.known)
        if self.landscape.is_front:
            share = self.survey.hypervolume(self.known) / self.survey.volume
            return Step(count, share, share, None, seconds)
        said = None if recommended is None else self.landscape.reward_of(self.known[recommended])
        return Step(count, self.best, self.observed, said, seconds)


def simulate(
    landscape: Landscape,
    survey: Survey,
    sampler: SamplerFactory,
    *,
    seed: int,
    trials: int,
    workers: int = 1,
    recommend_at: frozenset[int] = frozenset(),
) -> list[Step]:
    """A step for each finished trial; fewer than `trials` where the space is exhausted.

    Workers evaluate side by side, each for a random time, and a suggestion knows what is finished
    by then, and what runs. At the trials of `recommend_at` the model says which network is best.
    """
    rng = np.random.default_rng((seed, 1))
    reward = None if landscape.is_front else landscape.reward
    proposer = Proposer.resume(
        landscape.space, sampler, reward, landscape.price, Limits(), seed, ()
    )
    found = _Found(landscape, survey, [])

    def said() -> bool:
        named = not landscape.is_front and not landscape.evaluator.exact()
        return named and len(found.known) in recommend_at

    running: list[tuple[float, int, Candidate, float]] = []
    steps: list[Step] = []
    now = 0.0
    asked, exhausted = 0, False
    while True:
        while not exhausted and asked < trials and len(running) < workers:
            start = time.process_time()
            candidate = proposer.propose(asked)
            seconds = time.process_time() - start
            if candidate is None:
                exhausted = True
                break
            heapq.heappush(running, (now + rng.lognormal(sigma=0.5), asked, candidate, seconds))
            asked += 1
        if not running:
            return steps
        now, _, candidate, seconds = heapq.heappop(running)
        _finish(proposer, candidate, found, seed)
        steps.append(found.step(_recommended(proposer) if said() else None, seconds))


def _finish(proposer: Proposer, candidate: Candidate, found: _Found, seed: int) -> None:
    landscape = found.landscape
    (known,) = landscape.known([candidate.arch])
    measured = landscape.measure(candidate.arch, seed)
    if known is None or measured is None:
        raise UserError(
            f"bench: the evaluator knows nothing of {candidate.arch.key()}: a bench needs the "
            f"accuracy of every network of the space; see evaluator=surrogate"
        )
    found.add(known, measured)
    reward = landscape.reward(measured, known.cost)
    proposer.tell(
        candidate,
        create_trial(
            state=TrialState.COMPLETE,
            values=[measured, known.cost] if landscape.is_front else [reward],
            params=dict(candidate.params),
            distributions=candidate.trial.distributions,
            user_attrs={"accuracy": measured, "key": candidate.arch.key()},
        ),
    )


def _recommended(proposer: Proposer) -> int:
    problem: Problem = proposer.problem
    return recommend(problem, proposer.study.get_trials(deepcopy=False))
