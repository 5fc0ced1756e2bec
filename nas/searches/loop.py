"""The search: ask → decode → cost → evaluate → tell, until enough trials are finished."""

import dataclasses
import itertools
import random
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from optuna.trial import FrozenTrial, TrialState

from nas.defaults.conf import default
from nas.executors.base import Executor, Job, Outcome
from nas.networks.cost import cost
from nas.runs.records import Record, to_trial
from nas.runs.study import StudyStore
from nas.samplers.base import SamplerFactory, distributions
from nas.samplers.recommend import expected_accuracies, recommend
from nas.searches.pricing import CostMetric, Macs
from nas.searches.proposals import Limits, Proposal, Proposer, candidates_within
from nas.searches.rewards import Front, Reward
from nas.searches.warm_start import WarmStart
from nas.trainings.engine import work
from nas.trainings.failures import Failures
from nas.trainings.record import EvaluationResult
from search_spaces.arch import Arch
from search_spaces.compact import spell_arch
from search_spaces.errors import UserError
from search_spaces.space import Space


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """How long and how carefully to search."""

    trials: int = default("search/default", "trials")
    """Finished trials at the end, those of earlier calls included"""
    seeds: int = default("search/default", "seeds")
    """Trainings of each candidate, whose accuracies are averaged"""
    seed: int = default("search/default", "seed")
    confirm: int = default("search/default", "confirm")
    """Networks that are trained alone at the end, the best of them all; 0 for none"""
    macs_max: float | None = default("search/default", "macs_max")
    params_max: float | None = default("search/default", "params_max")
    latency_max: float | None = default("search/default", "latency_max")
    """Milliseconds, as the search's `latency` gives them"""
    failures_max: int = default("search/default", "failures_max")
    """Failed candidates after which a call gives up"""

    def __post_init__(self) -> None:
        least = {"trials": 1, "seeds": 1, "seed": 0, "confirm": 0, "failures_max": 1}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise UserError(f"{name}: expected at least {bound}, got {getattr(self, name)}")
        Limits(self.macs_max, self.params_max, self.latency_max)

    @property
    def each_seed(self) -> tuple[int, ...]:
        """The seeds that each candidate is evaluated with."""
        return tuple(range(self.seed, self.seed + self.seeds))


class SearchProgress(Protocol):
    """A function that is called with all records, whenever one has been added."""

    def __call__(self, records: list[Record], finished: int) -> None: ...


class SearchStopped(Exception):
    """Raised where too many candidates failed, or only lost ones are left; records are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search with everything that it needs; `run` carries it out."""

    space: Space
    sampler: SamplerFactory
    reward: Reward
    settings: SearchSettings
    store: StudyStore
    progress: SearchProgress
    cost_metric: CostMetric = field(default_factory=Macs)
    """The cost that the reward weighs accuracy against"""
    latency: CostMetric | None = None
    """The latency that is compared with its limit, where there is one"""
    warm: WarmStart = field(default_factory=WarmStart)
    """The networks to try first, and what was measured elsewhere"""
    evaluable: Callable[[Arch], None] | None = None
    """It raises UserError for a network that the evaluator cannot build or feed, which is never
    tried."""
    exact: bool = False
    """Whether the evaluator's accuracies are free of noise; see `Evaluator.exact`"""
    failures: Failures | None = None
    """The place where tracebacks of evaluators are kept"""
    on_loss: Callable[[str], None] = lambda reason: None
    """It is called with the reason why a candidate was lost; the next call tries it again."""

    def run(self, executor: Callable[[], AbstractContextManager[Executor]]) -> list[Record]:
        """Search until `settings.trials` are finished or the space is exhausted; all records.

        Workers are started only where something is left to do. A candidate that was lost through a
        fault of the machine is not recorded, and the next call tries it again. Raises SearchStopped
        where too many candidates fail, and where only lost ones are left.
        """
        records = self.store.records()
        loop = _Loop(self, records, self._proposer(self.store.trials()))
        if loop.missing() > 0:
            with executor() as workers:
                loop.run(workers)
        return records

    def restore(self, records: list[Record]) -> None:
        """Add records that were kept elsewhere to the store, as far as it lacks them.

        Raises UserError where the store holds other trials than these.
        """
        kept = self.store.records()
        if [record.key for record in kept] != [record.key for record in records[: len(kept)]]:
            raise UserError(
                f"{self.store.storage} holds {len(kept)} trials, other ones than those to be "
                f"restored: move it away first"
            )
        for record in records[len(kept) :]:
            trial = to_trial(record, self.values(record), distributions(self.space.choices), {})
            self.store.append(trial)

    def values(self, record: Record) -> list[float] | None:
        """A record's values in a study: its reward, or accuracy and cost; None if it failed."""
        if record.accuracy is None or record.reward is None:
            return None
        return [record.accuracy, record.cost] if isinstance(self.reward, Front) else [record.reward]

    def check_records(self) -> None:
        """Raises UserError for trials on record that this search cannot have made."""
        spelling = distributions(self.space.choices)
        for record, trial in zip(self.store.records(), self.store.trials(), strict=True):
            where = f"{self.store.storage}: trial {record.number} is damaged: "
            try:
                key = self.space.decode(record.choices).key()
            except UserError as error:
                raise error.under(where) from None
            if key != record.key or trial.distributions != spelling:
                raise UserError(f"{where}its choices are not those of its network {record.key}")
            if trial.values != self.values(record):
                raise UserError(f"{where}its value is not that of its accuracy and cost")

    def check(self) -> None:
        """Raises UserError where no network of the space is within the limits or has a cost."""
        limits = self.limits()
        found = next(candidates_within(self.space, limits, random.Random(0)), None)
        if found is None:
            unchecked = dataclasses.replace(limits, check=None)
            refused = next(candidates_within(self.space, unchecked, random.Random(0)), None)
            if refused is not None and limits.check is not None:
                limits.check(self.space.decode(refused))  # raises with the reason of the refusal
            raise UserError(
                f"search: no network of the space {self.space.name!r} is within the limits: "
                f"{limits}"
            )
        arch = self.space.decode(found)
        self.cost_metric(arch, cost(arch))

    def recommended(self, records: list[Record]) -> Record | None:
        """The finished record whose reward is expected to be best, by a model of them all.

        None where nothing is finished, or where accuracies are free of noise.
        """
        finished = [record for record in records if record.accuracy is not None]
        if self.exact or not finished:
            return None
        problem = dataclasses.replace(self._proposer(()).problem, reward=self.reward)
        return finished[recommend(problem, self.store.trials())]

    def expected(self) -> dict[int, float]:
        """The accuracy that a model of all records expects of each finished one, by its number.

        Accuracies that are free of noise are as they were measured.
        """
        finished = [record for record in self.store.records() if record.accuracy is not None]
        if self.exact or not finished:
            return {record.number: record.accuracy or 0.0 for record in finished}
        accuracies = expected_accuracies(self._proposer(()).problem, self.store.trials())
        numbers = (record.number for record in finished)
        return dict(zip(numbers, accuracies.tolist(), strict=True))

    def limits(self) -> Limits:
        """The limits that candidates keep. Raises UserError for one on latency without a table."""
        asked = self.settings
        if asked.latency_max is not None and self.latency is None:
            raise UserError("search.latency_max: needs a table: latency_table=…")
        return Limits(
            asked.macs_max, asked.params_max, asked.latency_max, self.latency, self.evaluable
        )

    def _proposer(self, trials: Iterable[FrozenTrial]) -> Proposer:
        settings = self.settings
        return Proposer.resume(
            self.space,
            self.sampler,
            None if isinstance(self.reward, Front) else self.reward,
            self.cost_metric,
            self.limits(),
            settings.seed,
            trials,
            self.warm,
        )


@dataclass(slots=True)
class _Loop:
    search: Search
    records: list[Record]
    proposer: Proposer
    running: dict[int, Proposal] = field(default_factory=dict)
    """Candidates that are being evaluated, by the number of the suggestion"""
    exhausted: bool = False
    """Whether every network of the space was suggested"""
    failed: int = 0
    """The number of candidates that failed or were lost in this call"""
    lost: dict[int, str] = field(default_factory=dict)
    """The reason of each loss, by the number of the suggestion"""

    def missing(self) -> int:
        return self.search.settings.trials - self._count("finished")

    def run(self, workers: Executor) -> None:
        work(workers, self._more, self._finish)
        if self.missing() > 0 and self.lost:
            *_, reason = self.lost.values()
            raise SearchStopped(
                f"{len(self.lost)} candidates were lost, the last with: {reason}; "
                f"the same command tries them again"
            )

    def _more(self, running: int) -> Job | None:
        """The job of the next candidate, unless running ones may be enough or none is left."""
        if self.exhausted or running >= self.missing():
            return None
        candidate = self.proposer.propose(self._next_number())
        if candidate is None:
            self.exhausted = True
            return None
        self.running[candidate.number] = candidate
        return Job(candidate.number, candidate.arch, self.search.settings.each_seed)

    def _next_number(self) -> int:
        """The first number that has no record and is not running; so a killed one is used again."""
        used = {record.proposal for record in self.records} | self.running.keys() | self.lost.keys()
        return next(number for number in itertools.count() if number not in used)

    def _finish(self, job: Job, outcome: Outcome) -> None:
        candidate = self.running.pop(job.number)
        if self.search.failures is not None:
            outcome = self.search.failures.keep(f"{candidate.number:04}", outcome)
        if outcome.lost:
            self._lose(candidate, outcome.reason)
        else:
            self._settle(candidate, outcome)
        if outcome.reason:
            self.failed += 1
        if self.failed >= self.search.settings.failures_max:
            raise SearchStopped(
                f"{self.failed} candidate{'s' * (self.failed > 1)} failed (search.failures_max), "
                f"the last with: {outcome.reason}"
            )

    def _lose(self, candidate: Proposal, reason: str) -> None:
        """Leave a candidate to the next call, as if this call had been killed during it."""
        self.lost[candidate.number] = reason
        self.proposer.study.tell(candidate.trial, state=TrialState.FAIL)
        self.search.on_loss(f"suggestion {candidate.number} was lost: {reason}")

    def _settle(self, candidate: Proposal, outcome: Outcome) -> None:
        record = self._record(candidate, outcome)
        trial = self._trial(candidate, record)
        # The record is on disk before it counts.
        self.search.store.append(trial)
        self.proposer.tell(candidate, trial)
        self.records.append(record)
        self.search.progress(self.records, self._count("finished"))

    def _record(self, candidate: Proposal, outcome: Outcome) -> Record:
        result = EvaluationResult.of(outcome)
        paid = self.search.cost_metric(candidate.arch, candidate.cost)
        return Record(
            number=len(self.records),
            proposal=candidate.number,
            state=result.state,
            arch=candidate.arch,
            key=candidate.arch.key(),
            compact=spell_arch(candidate.arch),
            choices=dict(candidate.params),
            macs=candidate.cost.macs,
            params=candidate.cost.params,
            activations=candidate.cost.activations,
            cost=paid,
            accuracy=result.accuracy,
            accuracy_stderr=result.accuracy_stderr,
            reward=None if result.accuracy is None else self.search.reward(result.accuracy, paid),
            seeds=self.search.settings.seeds,
            seconds=result.seconds,
            curves=result.curves,
            reason=result.reason,
            note=result.note,
        )

    def _trial(self, candidate: Proposal, record: Record) -> FrozenTrial:
        asked = self.proposer.study.get_trials(deepcopy=False)[candidate.trial.number]
        # Samplers keep notes with a trial, such as its generation, which they need to go on.
        notes = {
            name: value for name, value in asked.system_attrs.items() if name != "fixed_params"
        }
        return to_trial(record, self.search.values(record), asked.distributions, notes)

    def _count(self, state: str) -> int:
        return sum(record.state == state for record in self.records)
