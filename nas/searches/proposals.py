"""Which architecture to try next: ask the sampler, decode, drop what was seen or costs too much."""

import itertools
import random
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from nas.networks.cost import Cost, cost, cost_and_capacity
from nas.runs.study import Directions
from nas.samplers.base import Problem, SamplerFactory, distributions
from nas.searches.pricing import CostMetric
from nas.searches.warm_start import WarmStart
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.space import Params, Space

_ASKS = 16
"""Suggestions refused in a row before a neighbour of the last one is taken instead."""
_SAMPLES = 5_000
"""Random candidates that are looked at before the space is taken to be exhausted"""
_ENUMERABLE = 200_000
"""Spaces up to this size are searched whole before they are called exhausted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a candidate may cost; None for no limit."""

    macs_max: float | None = None
    params_max: float | None = None
    latency_max: float | None = None
    """Milliseconds."""
    latency: Callable[[Arch, Cost], float] | None = None
    """The latency of a network, in milliseconds, which `latency_max` is compared with"""
    check: Callable[[Arch], None] | None = None
    """Raises UserError for a network that the evaluator cannot build or feed."""

    def __post_init__(self) -> None:
        for name in ("macs_max", "params_max", "latency_max"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UserError(f"{name}: expected a number above 0, got {value}")

    def admit(self, arch: Arch, cost: Cost) -> bool:
        """Whether a network of this cost is within the limits, and can be evaluated."""
        return (
            (self.macs_max is None or cost.macs <= self.macs_max)
            and (self.params_max is None or cost.params <= self.params_max)
            and (
                self.latency_max is None
                or self.latency is None
                or self.latency(arch, cost) <= self.latency_max
            )
            and self._passes(arch)
        )

    def _passes(self, arch: Arch) -> bool:
        try:
            if self.check is not None:
                self.check(arch)
        except UserError:
            return False
        return True

    def __str__(self) -> str:
        named = {"MACs": self.macs_max, "params": self.params_max, "ms": self.latency_max}
        return " and ".join(
            f"{name} ≤ {value:,.0f}" if value >= 100 else f"{name} ≤ {value:g}"
            for name, value in named.items()
            if value is not None
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """A candidate to evaluate next, with the running trial that stands for it."""

    number: int
    trial: Trial
    params: Params
    arch: Arch
    cost: Cost


@dataclass(slots=True)
class Proposer:
    """A sampler, and a study in memory that holds every finished and running trial.

    Suggestion n depends on the seed, on n and on the trials before it alone: a search that was
    killed goes on as it would have.
    """

    space: Space
    sampler: SamplerFactory
    reward: Callable[[float, float], float] | None
    cost_metric: CostMetric
    limits: Limits
    seed: int
    study: optuna.Study
    seen: set[str] = field(default_factory=set)
    warm: WarmStart = field(default_factory=WarmStart)
    starts: tuple[Params, ...] = field(init=False)
    """The candidates that are proposed first, before the sampler is asked"""
    problem: Problem = field(init=False)
    """The problem of the whole search, made once since samplers keep costs with it"""

    def __post_init__(self) -> None:
        self.problem = self._as_problem()
        self.starts = self.warm.first(self._merit)

    @classmethod
    def resume(
        cls,
        space: Space,
        sampler: SamplerFactory,
        reward: Callable[[float, float], float] | None,
        cost_metric: CostMetric,
        limits: Limits,
        seed: int,
        finished: Iterable[FrozenTrial],
        warm: WarmStart | None = None,
    ) -> "Proposer":
        """A proposer that knows the finished trials, as if it had proposed them itself."""
        directions: Directions = ("maximize",) if reward else ("maximize", "minimize")
        study = optuna.create_study(directions=directions)
        trials = list(finished)
        study.add_trials(trials)
        seen = {trial.user_attrs["key"] for trial in trials}
        return cls(
            space, sampler, reward, cost_metric, limits, seed, study, seen, warm or WarmStart()
        )

    def propose(self, number: int) -> Proposal | None:
        """The next candidate; None when nothing is left that was not tried and is within limits."""
        problem = self.problem
        spelling = distributions(problem.choices)
        trial: Trial | None = None
        if number < len(self.starts) and problem.allowed(self.starts[number]):
            return self._accept_params(number, self.starts[number])
        refused: list[Params] = []
        for attempt in range(_ASKS):
            self.study.sampler = self.sampler.make(problem, _derive(self.seed, number, attempt))
            trial = self._ask(spelling)
            if problem.allowed(trial.params):
                return self._accept(number, trial)
            self.study.tell(trial, state=TrialState.FAIL)
            # A sampler that repeats itself will do so again, and asking may take seconds.
            if trial.params in refused:
                break
            refused.append(trial.params)
        params = self._unseen(problem, trial.params if trial else {}, number)
        if params is None:
            return None
        return self._accept_params(number, params)

    def tell(self, candidate: Proposal, finished: FrozenTrial) -> None:
        """Put the finished trial of a candidate into the study, in place of the running one.

        Trials stand in the order in which they were finished, as they do after `resume`.
        """
        asked = self.study.get_trials(deepcopy=False)[candidate.trial.number]
        self.study.tell(candidate.trial, state=TrialState.FAIL)
        self.study.add_trial(
            create_trial(
                state=finished.state,
                values=finished.values,
                params=asked.params,
                distributions=asked.distributions,
                user_attrs=finished.user_attrs,
                system_attrs=asked.system_attrs,
            )
        )

    def _as_problem(self) -> Problem:
        def covariates(params: Params) -> tuple[float, ...]:
            arch = self.space.decode(params)
            of, capacity = cost_and_capacity(arch)
            size = of.macs if self.cost_metric.unit == "params" else of.params
            return self.cost_metric(arch, of), float(size), capacity.params, capacity.activations

        def allowed(params: Params) -> bool:
            arch = self.space.decode(params)
            return self.limits.admit(arch, cost(arch)) and arch.key() not in self.seen

        return Problem(
            choices=self.space.choices,
            cost=lambda params: covariates(params)[0],
            covariates=covariates,
            reward=self.reward,
            allowed=allowed,
            earlier=self.warm.earlier,
        )

    def _merit(self, params: Params, accuracy: float) -> float:
        return self.reward(accuracy, self.problem.cost(params)) if self.reward else accuracy

    def _ask(self, spelling: dict[str, optuna.distributions.BaseDistribution]) -> Trial:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return self.study.ask(spelling)

    def _accept_params(self, number: int, params: Params) -> Proposal:
        self.study.enqueue_trial(dict(params))
        return self._accept(number, self._ask(distributions(self.problem.choices)))

    def _accept(self, number: int, trial: Trial) -> Proposal:
        arch = self.space.decode(trial.params)
        self.seen.add(arch.key())
        return Proposal(number, trial, trial.params, arch, cost(arch))

    def _unseen(self, problem: Problem, near: Params, number: int) -> Params | None:
        rng = random.Random(_derive(self.seed, number, _ASKS))
        neighbours = list(self.space.neighbours(near))
        rng.shuffle(neighbours)
        others = candidates_within(self.space, self.limits, rng)
        return next(filter(problem.allowed, itertools.chain(neighbours, others)), None)


def candidates_within(space: Space, limits: Limits, rng: random.Random) -> Iterator[Params]:
    """Candidates within the limits: random ones, and in the end all, where the space is small."""
    everything: Iterable[Params]
    if space.size <= _SAMPLES:
        everything = list(_everything(space))
        rng.shuffle(everything)
    else:
        everything = (space.sample(rng) for _ in range(_SAMPLES))
        if space.size <= _ENUMERABLE:
            everything = itertools.chain(everything, _everything(space))

    def admitted(params: Params) -> bool:
        arch = space.decode(params)
        return limits.admit(arch, cost(arch))

    return filter(admitted, everything)


def _everything(space: Space) -> Iterator[Params]:
    names = [choice.name for choice in space.choices]
    for options in itertools.product(*(choice.options for choice in space.choices)):
        yield dict(zip(names, options, strict=True))


def _derive(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
