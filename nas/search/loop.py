"""The search: ask → decode → price → evaluate → tell, until enough trials are finished."""

import dataclasses
import itertools
import math
import random
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from optuna.trial import FrozenTrial, TrialState

from nas.defaults.conf import default
from nas.executors.base import Executor, Job, Outcome
from nas.networks.cost import cost
from nas.runs.records import Record, Standing, to_trial
from nas.runs.study import StudyStore
from nas.samplers.base import SamplerFactory, distributions
from nas.samplers.recommend import recommend
from nas.search.pricing import Macs, Price
from nas.search.proposals import Candidate, Limits, Proposer, candidates_within
from nas.search.rewards import Front, Reward, pareto_front
from nas.search.warm_start import WarmStart
from nas.trainings.engine import work
from nas.trainings.failures import Failures
from nas.trainings.record import Answer
from search_spaces.arch import Arch
from search_spaces.compact import spell_arch
from search_spaces.errors import UserError
from search_spaces.space import Space


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """How long and how carefully to search."""

    trials: int = default("search/default", "trials")
    """Finished trials at the end, those of earlier calls included."""
    seeds: int = default("search/default", "seeds")
    """Trainings a candidate, whose accuracies are averaged."""
    seed: int = default("search/default", "seed")
    macs_max: float | None = default("search/default", "macs_max")
    params_max: float | None = default("search/default", "params_max")
    latency_max: float | None = default("search/default", "latency_max")
    """Milliseconds, by the search's `latency`."""
    failures_max: int = default("search/default", "failures_max")
    """Failed candidates after which a call gives up."""

    def __post_init__(self) -> None:
        for name, least in (("trials", 1), ("seeds", 1), ("seed", 0), ("failures_max", 1)):
            if getattr(self, name) < least:
                raise UserError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        Limits(self.macs_max, self.params_max, self.latency_max)


class SearchProgress(Protocol):
    """Told of every record as it comes in."""

    def __call__(self, records: list[Record], finished: int) -> None: ...


class SearchStopped(Exception):
    """Too many candidates failed for the rest to be worth trying; what was found is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Everything a search needs; `run` does it."""

    space: Space
    sampler: SamplerFactory
    reward: Reward
    settings: SearchSettings
    store: StudyStore
    progress: SearchProgress
    price: Price = field(default_factory=Macs)
    """What the reward weighs accuracy against."""
    latency: Price | None = None
    """What the limit of latency, if there is one, is compared with."""
    warm: WarmStart = field(default_factory=WarmStart)
    """What is tried first, and what is known from elsewhere."""
    evaluable: Callable[[Arch], None] | None = None
    """Raises UserError for a network that the evaluator cannot build or feed: it is never tried."""
    exact: bool = False
    """Whether the evaluator's accuracies are free of noise: see `Evaluator.exact`."""
    failures: Failures | None = None
    """Where the tracebacks of evaluators are kept."""
    on_loss: Callable[[str], None] = lambda reason: None
    """Told why a candidate was lost: the next call tries it again."""

    def run(self, executor: Callable[[], AbstractContextManager[Executor]]) -> list[Record]:
        """All records, once `settings.trials` are finished or the space is exhausted.

        Workers are started only where something is left to do. A candidate that the machine
        failed, not the network, is not on record: the next call tries it again. Raises
        SearchStopped where too many candidates fail, and where only lost ones are left.
        """
        records = self.store.records()
        loop = _Loop(self, records, self._proposer(self.store.trials()))
        if loop.missing() > 0:
            with executor() as workers:
                loop.run(workers)
        return records

    def restore(self, records: list[Record]) -> None:
        """Put records that were kept elsewhere into the store, as far as they are not there.

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
        """What a study has of a record: its reward, or accuracy and cost; None of a failed one."""
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
        """Raises UserError where no network of the space is within the limits or has a price."""
        limits = self._limits()
        found = next(candidates_within(self.space, limits, random.Random(0)), None)
        if found is None:
            unchecked = dataclasses.replace(limits, check=None)
            refused = next(candidates_within(self.space, unchecked, random.Random(0)), None)
            if refused is not None and limits.check is not None:
                limits.check(self.space.decode(refused))  # says what none of them has
            raise UserError(
                f"search: no network of the space {self.space.name!r} is within the limits: "
                f"{limits}"
            )
        arch = self.space.decode(found)
        self.price(arch, cost(arch))

    def recommended(self, records: list[Record]) -> Record | None:
        """The finished record whose reward is expected to be best, by a model of them all.

        None where nothing is finished, or where accuracies are free of noise.
        """
        finished = [record for record in records if record.accuracy is not None]
        if self.exact or not finished:
            return None
        problem = dataclasses.replace(self._proposer(()).problem, reward=self.reward)
        return finished[recommend(problem, self.store.trials())]

    def _limits(self) -> Limits:
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
            self.price,
            self._limits(),
            settings.seed,
            trials,
            self.warm,
        )


@dataclass(slots=True)
class _Loop:
    search: Search
    records: list[Record]
    proposer: Proposer
    running: dict[int, Candidate] = field(default_factory=dict)
    """Candidates under way, by the number of the suggestion."""
    exhausted: bool = False
    """Whether nothing is left in the space that was not suggested."""
    failed: int = 0
    """Candidates that failed or were lost in this call."""
    lost: dict[int, str] = field(default_factory=dict)
    """By the number of the suggestion, why."""

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
        """The next candidate, unless those under way may be enough or the space is exhausted."""
        if self.exhausted or running >= self.missing():
            return None
        candidate = self.proposer.propose(self._next_number())
        if candidate is None:
            self.exhausted = True
            return None
        self.running[candidate.number] = candidate
        return Job(candidate.number, candidate.arch, self._seeds())

    def _next_number(self) -> int:
        """The first suggestion that is neither on record nor running: a killed one comes again."""
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
                f"{self.failed} candidates failed (search.failures_max), "
                f"the last with: {outcome.reason}"
            )

    def _lose(self, candidate: Candidate, reason: str) -> None:
        """Forget a candidate until the next call, as if this one had been killed with it."""
        self.lost[candidate.number] = reason
        self.proposer.study.tell(candidate.trial, state=TrialState.FAIL)
        self.search.on_loss(f"suggestion {candidate.number} was lost: {reason}")

    def _settle(self, candidate: Candidate, outcome: Outcome) -> None:
        record = self._record(candidate, outcome)
        trial = self._trial(candidate, record)
        # On disk before it counts.
        self.search.store.append(trial)
        self.proposer.tell(candidate, trial)
        self.records.append(record)
        self.search.progress(self.records, self._count("finished"))

    def _record(self, candidate: Candidate, outcome: Outcome) -> Record:
        answer = Answer.of(outcome)
        price = self.search.price(candidate.arch, candidate.price)
        return Record(
            number=len(self.records),
            proposal=candidate.number,
            state=answer.state,
            arch=candidate.arch,
            key=candidate.arch.key(),
            compact=spell_arch(candidate.arch),
            choices=dict(candidate.params),
            macs=candidate.price.macs,
            params=candidate.price.params,
            activations=candidate.price.activations,
            cost=price,
            accuracy=answer.accuracy,
            accuracy_stderr=answer.accuracy_stderr,
            reward=None if answer.accuracy is None else self.search.reward(answer.accuracy, price),
            seeds=self.search.settings.seeds,
            seconds=answer.seconds,
            curves=answer.curves,
            reason=answer.reason,
            note=answer.note,
        )

    def _trial(self, candidate: Candidate, record: Record) -> FrozenTrial:
        asked = self.proposer.study.get_trials(deepcopy=False)[candidate.trial.number]
        # A sampler's own notes (the generation of an evolution) are part of what it resumes from.
        notes = {
            name: value for name, value in asked.system_attrs.items() if name != "fixed_params"
        }
        return to_trial(record, self.search.values(record), asked.distributions, notes)

    def _seeds(self) -> tuple[int, ...]:
        first = self.search.settings.seed
        return tuple(range(first, first + self.search.settings.seeds))

    def _count(self, state: str) -> int:
        return sum(record.state == state for record in self.records)


def standing(records: list[Record], baseline: Record | None = None) -> Standing | None:
    """The baseline, the front, and who ties; None when nothing is finished.

    The baseline is the finished record of best reward, or the one that is recommended.
    """
    finished = [record for record in records if record.accuracy is not None]
    if not finished:
        return None
    luckiest = max(finished, key=lambda record: (_reward(record), -record.number))
    best = baseline or luckiest
    points = [(record.accuracy or 0.0, record.cost) for record in finished]
    front = [r for r, on_front in zip(finished, pareto_front(points), strict=True) if on_front]
    ties = tuple(r for r in finished if r is not best and _within_noise(r, best))
    return Standing(best, luckiest, tuple(sorted(front, key=lambda record: record.cost)), ties)


def _reward(record: Record) -> float:
    return -math.inf if record.reward is None else record.reward


def _within_noise(other: Record, best: Record) -> bool:
    """Whether rewards differ by less than two standard errors of their difference.

    Reward is close to proportional to accuracy, so relative errors carry over.
    """
    errors = [
        (r.accuracy_stderr or 0.0) / r.accuracy * _reward(r) for r in (other, best) if r.accuracy
    ]
    return math.hypot(*errors) > 0 and _reward(best) - _reward(other) < 2 * math.hypot(*errors)
