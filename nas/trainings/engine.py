"""The engine of trainings: do what is missing on any executor, each once, on record at once."""

import statistics
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from nas.evaluators.asked import check
from nas.evaluators.base import Evaluator
from nas.executors.base import Executor, Job, Outcome
from nas.networks.cost import cost
from nas.trainings.failures import Failures
from nas.trainings.log import TrainingLog
from nas.trainings.pace import Pace
from nas.trainings.record import TrainingId, TrainingRecord
from nas.trainings.strategies import Pair, Strategy
from search_spaces.arch import Arch
from search_spaces.errors import UserError


def work(
    executor: Executor,
    more: Callable[[int], Job | None],
    settle: Callable[[Job, Outcome], None],
) -> None:
    """Keep the executor's workers busy until there are no more jobs, and none is under way.

    `more` gets the number of jobs under way, and gives another one or None; it is asked again
    after each outcome. `settle` gets every outcome before another job is begun; what it raises
    ends the work.
    """
    running: dict[int, Job] = {}
    while True:
        while len(running) < executor.workers:
            job = more(len(running))
            if job is None:
                break
            running[job.number] = job
            executor.submit(job)
        if not running:
            return
        outcome = executor.next()
        settle(running.pop(outcome.number), outcome)


@dataclass(frozen=True, slots=True)
class Trainer:
    """What trains: an evaluator, and a maker of what it runs on."""

    evaluator: Evaluator
    executor: Callable[[], AbstractContextManager[Executor]]


@dataclass(frozen=True, slots=True)
class LabelledArch:
    """What may be trained, and the labels that its records carry for readers."""

    arch: Arch
    labels: Mapping[str, Any]


@dataclass(slots=True)
class Trainings:
    """The finished trainings of some networks; `train` makes them grow."""

    networks: Sequence[LabelledArch]
    log: TrainingLog
    records: dict[TrainingId, TrainingRecord]
    """The records of these networks, and what was lost in this call; a log may hold others."""
    evaluator: str = ""
    """What the evaluator is called, where the log holds trainings by several."""
    waiting: set[Pair] = field(default_factory=set)
    """Trainings that were asked for and are not finished."""
    pace: Pace = field(default_factory=Pace)
    """How long trainings take, by those that this call has finished."""
    _index: Mapping[str, int] = field(init=False)
    """The networks' places in their order, by their keys."""
    _macs: Sequence[int] = field(init=False)
    """The networks' MACs, in their order."""

    def __post_init__(self) -> None:
        self._index = {network.arch.key(): index for index, network in enumerate(self.networks)}
        self._macs = [cost(network.arch).macs for network in self.networks]

    @classmethod
    def on_record(
        cls, networks: Sequence[LabelledArch], log: TrainingLog, evaluator: str = ""
    ) -> "Trainings":
        """Read what is on disk already. Raises UserError where the log is damaged."""
        keys = {network.arch.key() for network in networks}
        ours = [r for r in log.read() if r.key in keys and r.evaluator == evaluator]
        return cls(networks, log, {record.id: record for record in ours}, evaluator)

    @property
    def results(self) -> dict[Pair, float | None]:
        """Accuracies by network and seed, as strategies read them; None for what failed."""
        index = self._index
        return {(index[key], seed): r.accuracy for (_, key, seed), r in self.records.items()}

    @property
    def accuracies(self) -> dict[int, dict[int, float]]:
        """Accuracies by network and seed, without what failed."""
        accuracies: dict[int, dict[int, float]] = {}
        for (network, seed), accuracy in sorted(self.results.items()):
            if accuracy is not None:
                accuracies.setdefault(network, {})[seed] = accuracy
        return accuracies

    @property
    def failures(self) -> dict[int, str]:
        """Why each failed network failed: the reason of its first failed training."""
        failed = sorted(
            (self._index[record.key], record.seed, record.reason)
            for record in self.records.values()
            if record.state == "failed"
        )
        return {network: f"seed {seed}: {reason}" for network, seed, reason in reversed(failed)}

    @property
    def notes(self) -> dict[int, str]:
        """What readers of each network's accuracies should know, by the seeds it is true of."""
        noted: dict[int, list[str]] = {}
        for (_, key, seed), record in sorted(self.records.items()):
            if record.note:
                noted.setdefault(self._index[key], []).append(f"seed {seed}: {record.note}")
        return {network: "; ".join(notes) for network, notes in noted.items()}

    @property
    def seconds_left(self) -> float | None:
        """Seconds until what was asked for is finished; None before a training is."""
        return self.seconds_for(len(self.waiting))

    def seconds_for(self, count: int, pace: Pace | None = None) -> float | None:
        """Seconds of `count` trainings to come: those asked for, and then middling networks.

        By another's pace, where one is given. None where no training is finished.
        """
        waiting = [self._macs[network] for network, _ in sorted(self.waiting)][:count]
        others = [statistics.median(self._macs)] * (count - len(waiting)) if self._macs else []
        return (pace or self.pace).left([*waiting, *others])

    def put(self, pair: Pair, outcome: Outcome) -> TrainingRecord:
        """Put an outcome on record, and give the record.

        A training that the machine failed, not the network, counts as failed for this call alone.
        Raises UserError where the disk does not take the record, and for a user's mistake.
        """
        network, seed = self.networks[pair[0]], pair[1]
        name = "-".join(filter(None, (self.evaluator, network.arch.key(), str(seed))))
        outcome = Failures(self.log.path.parent).keep(name, outcome)
        if outcome.lost:
            outcome = replace(outcome, reason=f"{outcome.reason}; the next call tries it again")
        record = TrainingRecord.of(
            network.arch, seed, outcome, evaluator=self.evaluator, labels=network.labels
        )
        try:
            if not outcome.lost:
                self.log.append(record)
        except OSError as error:
            raise UserError(
                f"{self.log.path}: cannot be written: {error.strerror}; what is on record is "
                f"kept, and the same command goes on from there"
            ) from None
        self.records[record.id] = record
        self.waiting.discard(pair)
        if record.state == "finished":
            self.pace.add(self._macs[pair[0]], record.seconds)
        return record


def train(
    trainings: Trainings,
    strategy: Strategy,
    evaluator: Evaluator,
    executor: Callable[[], AbstractContextManager[Executor]],
    on_finish: Callable[[TrainingRecord], None] = lambda record: None,
) -> None:
    """Train all that the strategy asks for and is not on record.

    The strategy is asked anew whenever all that it asked for is finished. Nothing is started, and
    nothing written, where nothing is missing. Raises UserError where the evaluator or the executor
    cannot do it, and where a worker finds a user's mistake.
    """
    first = list(strategy.pending(trainings.results))
    if not first:
        return
    for network in trainings.networks:
        check(evaluator, network.arch)
    with executor() as workers:
        trainings.pace.workers = workers.workers
        trainings.log.path.parent.mkdir(parents=True, exist_ok=True)
        trainings.log.repair()
        _Course(trainings, strategy, on_finish).run(workers, first)


@dataclass(slots=True)
class _Course:
    """The trainings of one call, round by round."""

    trainings: Trainings
    strategy: Strategy
    on_finish: Callable[[TrainingRecord], None]
    _asked: list[Pair] = field(default_factory=list)
    """Every training of this call, by its job's number."""
    _next: deque[Pair] = field(default_factory=deque)

    def run(self, workers: Executor, first: Sequence[Pair]) -> None:
        self._begin(first)
        work(workers, self._more, self._settle)

    def _begin(self, pairs: Sequence[Pair]) -> None:
        self._next = deque(pairs)
        self.trainings.waiting = set(pairs)

    def _more(self, running: int) -> Job | None:
        if not self._next and not running:
            self._begin(self.strategy.pending(self.trainings.results))
        if not self._next:
            return None
        network, seed = self._next.popleft()
        self._asked.append((network, seed))
        arch = self.trainings.networks[network].arch
        return Job(len(self._asked) - 1, arch, (seed,))

    def _settle(self, job: Job, outcome: Outcome) -> None:
        self.on_finish(self.trainings.put(self._asked[job.number], outcome))
