"""One search on a landscape, with the search's own proposer and workers that take made-up time."""

import heapq
import time
from dataclasses import dataclass

import numpy as np
from optuna.trial import TrialState, create_trial

from nas.bench.landscape import Landscape, TrueResult
from nas.bench.reference import Reference
from nas.evaluators.asked import exact
from nas.samplers.base import Problem, SamplerFactory
from nas.samplers.recommend import recommend
from nas.searches.proposals import Limits, Proposal, Proposer
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Step:
    """What a search had found after one more finished trial."""

    trial: int
    """The number of finished trials, from 1"""
    found: float
    """The best true reward of all networks tried, or the share of the true front's hypervolume"""
    observed: float
    """The true reward of the network whose measured reward is best; `found` for fronts"""
    recommended: float | None
    """The true reward of the network that the model recommends. None where it was not asked: where
    measurements are exact, and after numbers of trials at which nothing is compared."""
    seconds: float
    """Seconds of processor time that the suggestion took"""


@dataclass(slots=True)
class _Finished:
    """The finished trials of a search, and the best of them."""

    landscape: Landscape
    reference: Reference
    results: list[TrueResult]
    best: float = -float("inf")
    best_measured: float = -float("inf")
    observed: float = -float("inf")

    def add(self, result: TrueResult, measured: float) -> None:
        self.results.append(result)
        reward = self.landscape.true_reward(result)
        self.best = max(self.best, reward)
        if self.landscape.reward(measured, result.cost) > self.best_measured:
            self.best_measured = self.landscape.reward(measured, result.cost)
            self.observed = reward

    def step(self, recommended: int | None, seconds: float) -> Step:
        count = len(self.results)
        if self.landscape.is_front:
            share = self.reference.hypervolume(self.results) / self.reference.volume
            return Step(count, share, share, None, seconds)
        reward = None
        if recommended is not None:
            reward = self.landscape.true_reward(self.results[recommended])
        return Step(count, self.best, self.observed, reward, seconds)


def simulate(
    landscape: Landscape,
    reference: Reference,
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
        landscape.space, sampler, reward, landscape.cost_metric, Limits(), seed, ()
    )
    finished = _Finished(landscape, reference, [])
    recommends = not landscape.is_front and not exact(landscape.evaluator)
    running: list[tuple[float, int, Proposal, float]] = []
    steps: list[Step] = []
    now = 0.0
    asked, exhausted = 0, False
    while True:
        while not exhausted and asked < trials and len(running) < workers:
            start = time.process_time()
            proposal = proposer.propose(asked)
            seconds = time.process_time() - start
            if proposal is None:
                exhausted = True
                break
            heapq.heappush(running, (now + rng.lognormal(sigma=0.5), asked, proposal, seconds))
            asked += 1
        if not running:
            return steps
        now, _, proposal, seconds = heapq.heappop(running)
        _finish(proposer, proposal, finished, seed)
        compared = recommends and len(finished.results) in recommend_at
        steps.append(finished.step(_recommended(proposer) if compared else None, seconds))


def _finish(proposer: Proposer, proposal: Proposal, finished: _Finished, seed: int) -> None:
    landscape = finished.landscape
    (result,) = landscape.true_results([proposal.arch])
    measured = landscape.measure(proposal.arch, seed)
    if result is None or measured is None:
        raise UserError(
            f"bench: the evaluator knows nothing of {proposal.arch.key()}: a bench needs the "
            f"accuracy of every network of the space; see evaluator=surrogate"
        )
    finished.add(result, measured)
    reward = landscape.reward(measured, result.cost)
    proposer.tell(
        proposal,
        create_trial(
            state=TrialState.COMPLETE,
            values=[measured, result.cost] if landscape.is_front else [reward],
            params=dict(proposal.params),
            distributions=proposal.trial.distributions,
            user_attrs={"accuracy": measured, "key": proposal.arch.key()},
        ),
    )


def _recommended(proposer: Proposer) -> int:
    problem: Problem = proposer.problem
    return recommend(problem, proposer.study.get_trials(deepcopy=False))
