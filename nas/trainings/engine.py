"""Networks trained with several seeds: what is on record, and doing what is missing."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nas.evaluators.base import Evaluator
from nas.executors.base import Outcome
from nas.executors.ray_cluster import RaySettings, ray_cluster
from nas.trainings.failures import Failures
from nas.trainings.records import Job, TrainingLog, TrainingRecord
from nas.trainings.strategies import Pair, Strategy
from search_spaces.arch import Arch
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True)
class Network:
    """What may be trained, and what its records say of it."""

    arch: Arch
    about: Mapping[str, Any]


@dataclass(slots=True)
class Trainings:
    """The finished trainings of some networks; `train` makes them grow."""

    networks: Sequence[Network]
    log: TrainingLog
    records: dict[Job, TrainingRecord]
    """Those of these networks, and what was lost in this call; a log may hold others."""
    waiting: set[Pair] = field(default_factory=set)
    """Handed out and not finished."""
    finished: list[float] = field(default_factory=list)
    """When each training of this call was."""

    @classmethod
    def on_record(cls, networks: Sequence[Network], log: TrainingLog) -> "Trainings":
        """What is on disk already. Raises UserError where the log is damaged."""
        keys = {network.arch.key() for network in networks}
        return cls(networks, log, {r.job: r for r in log.read() if r.key in keys})

    @property
    def results(self) -> dict[Pair, float | None]:
        """Accuracies by network and seed, as strategies read them; None for what failed."""
        index = {network.arch.key(): i for i, network in enumerate(self.networks)}
        return {(index[key], seed): r.accuracy for (key, seed), r in self.records.items()}

    @property
    def accuracies(self) -> dict[int, dict[int, float]]:
        """By network and seed, without what failed."""
        accuracies: dict[int, dict[int, float]] = {}
        for (network, seed), accuracy in sorted(self.results.items()):
            if accuracy is not None:
                accuracies.setdefault(network, {})[seed] = accuracy
        return accuracies

    @property
    def failures(self) -> dict[int, str]:
        """Why each failed network failed: the reason of its first failed training."""
        index = {network.arch.key(): i for i, network in enumerate(self.networks)}
        failed = sorted(
            (index[record.key], record.seed, record.reason)
            for record in self.records.values()
            if record.state == "failed"
        )
        return {network: f"seed {seed}: {reason}" for network, seed, reason in reversed(failed)}

    @property
    def notes(self) -> dict[int, str]:
        """What readers of each network's accuracies should know, by the seeds it is true of."""
        index = {network.arch.key(): i for i, network in enumerate(self.networks)}
        noted: dict[int, list[str]] = {}
        for (key, seed), record in sorted(self.records.items()):
            if record.note:
                noted.setdefault(index[key], []).append(f"seed {seed}: {record.note}")
        return {network: "; ".join(notes) for network, notes in noted.items()}

    @property
    def seconds_left(self) -> float | None:
        """Until what was handed out is finished; None before two trainings are."""
        # Counted from the first: before it, workers start.
        if len(self.finished) < 2:
            return None
        pace = (self.finished[-1] - self.finished[0]) / (len(self.finished) - 1)
        return pace * len(self.waiting)

    def put(self, pair: Pair, outcome: Outcome) -> None:
        """Put an outcome on record. Raises UserError where the disk does not take it.

        A training that the machine failed, not the network, counts as failed for this call alone.
        """
        network, seed = self.networks[pair[0]], pair[1]
        outcome = Failures(self.log.path.parent).keep(f"{network.arch.key()}-{seed}", outcome)
        if outcome.lost:
            outcome = replace(outcome, reason=f"{outcome.reason}; the next call tries it again")
        record = _record(network, seed, outcome)
        try:
            if not outcome.lost:
                self.log.append(record)
        except OSError as error:
            raise UserError(
                f"{self.log.path}: cannot be written: {error.strerror}; what is on record is "
                f"kept, and the same command goes on from there"
            ) from None
        self.records[record.job] = record
        self.waiting.discard(pair)
        self.finished.append(time.monotonic())


def train(
    trainings: Trainings,
    strategy: Strategy,
    evaluator: Evaluator,
    ray: RaySettings,
    on_finish: Callable[[], None] = lambda: None,
    asha: int | None = None,
) -> None:
    """Train all that the strategy asks for and is not on record, under Ray Tune.

    With `asha`, those that are behind after so many epochs are ended, and on record as failed.

    Nothing is started, and nothing written, where nothing is missing. Raises UserError where the
    evaluator or the cluster cannot do it.
    """

    def next_pairs() -> list[Pair]:
        pairs = list(strategy.pending(trainings.results))
        trainings.waiting = set(pairs)
        return pairs

    def settle(pair: Pair, outcome: Outcome) -> None:
        trainings.put(pair, outcome)
        on_finish()

    if not next_pairs():
        return
    if str(ray.address).startswith("ray://"):
        # There Tune and its hooks run on the head node, which would write records of its own.
        raise UserError(
            f"ray.address: {ray.address}: Ray Tune's driver runs on a node of the cluster: "
            f"start it there, with ray.address=auto"
        )
    for network in trainings.networks:
        evaluator.check(network.arch)
    with ray_cluster(ray) as cluster:
        from nas.executors.ray_tune.run import run_trainings  # Ray takes a second to import

        trainings.log.path.parent.mkdir(parents=True, exist_ok=True)
        trainings.log.repair()
        run_trainings(
            [network.arch for network in trainings.networks],
            evaluator,
            next_pairs,
            settle,
            share=ray.share,
            cluster=cluster,
            asha=asha,
        )


def _record(network: Network, seed: int, outcome: Outcome) -> TrainingRecord:
    if not outcome.measurements:
        return TrainingRecord(
            key=network.arch.key(),
            seed=seed,
            state="failed",
            seconds=outcome.seconds,
            reason=outcome.reason,
            network=network.about,
        )
    (measurement,) = outcome.measurements
    return TrainingRecord(
        key=network.arch.key(),
        seed=seed,
        state="finished",
        accuracy=measurement.accuracy,
        curve=measurement.curve,
        seconds=outcome.seconds,
        note=measurement.note,
        network=network.about,
    )
