"""Trainings under Ray Tune: hand out jobs to warm workers, hand back each outcome as it comes."""

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from nas.evaluators.base import Evaluator
from nas.evaluators.faults import first_line
from nas.executors.base import Outcome
from nas.executors.child_processes import removed_at_last
from nas.executors.ray_address import Watch
from nas.executors.ray_cluster import Cluster
from nas.executors.ray_data import SharedData, stored
from nas.executors.ray_tune.losses import ended_for_memory, survive_losses
from nas.executors.ray_tune.worker import EpochwiseTraining, Shipped, Training
from nas.trainings.strategies import Pair
from search_spaces.arch import Arch
from search_spaces.errors import UserError

_RETRIES = 2
"""Times a training is begun anew after its worker was lost."""
_NEVER = 3**12
"""Epochs, beyond those of any training."""


def run_trainings(
    archs: Sequence[Arch],
    evaluator: Evaluator,
    next_pairs: Callable[[], Sequence[Pair]],
    on_outcome: Callable[[Pair, Outcome], None],
    *,
    share: dict[str, float],
    cluster: Cluster,
    asha: int | None = None,
) -> None:
    """Train until `next_pairs`, asked when all it gave before is finished, gives nothing.

    Runs on the Ray cluster that is connected; raises ConnectionError where that is lost.
    `on_outcome` is called in this process, once for each pair. Workers keep their evaluator, with
    its data, from one training to the next. Nothing is left on disk, even where the call is killed.
    With `asha`, trainings in the lower two thirds of those that came as far are ended, first after
    that many epochs, then at three times as many, and so on. An error that `on_outcome` or
    `next_pairs` raises, and a user's mistake found by a worker, ends the run and is raised from
    here.
    """
    with _scratch() as scratch:
        session = _Session(next_pairs, on_outcome, cluster.watch)
        shared = SharedData(evaluator)
        shipped = Shipped(stored(evaluator), tuple(archs))
        worker = Training if asha is None else EpochwiseTraining
        trainable = tune.with_parameters(worker, shipped=shipped)
        for noisy in ("ray", "ray.tune"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        tuner = tune.Tuner(
            tune.with_resources(trainable, share),
            tune_config=tune.TuneConfig(
                search_alg=_Queue(session, lambda pair: shared.reference(archs[pair[0]])),
                scheduler=_scheduler(asha),
                num_samples=-1,
                max_concurrent_trials=cluster.workers,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                storage_path=str(scratch),
                name="sweep",
                verbose=0,
                stop=_Stop(session),
                callbacks=[_Recorder(session)],
                failure_config=tune.FailureConfig(max_failures=_RETRIES),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        with survive_losses():
            tuner.fit()
    if session.error is not None:
        raise session.error


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for what Ray Tune insists on writing; not the run's, which may be another node's."""
    folder = Path(tempfile.mkdtemp(prefix="nas-search-tune-"))
    with removed_at_last(folder):
        yield folder


@dataclass(slots=True)
class _Session:
    """What Ray Tune's hooks share: they all run in the driver."""

    next_pairs: Callable[[], Sequence[Pair]]
    on_outcome: Callable[[Pair, Outcome], None]
    watch: Watch | None = None
    error: BaseException | None = None
    settled: set[str] = field(default_factory=set)
    """Trials whose outcome was passed on."""

    def __reduce__(self) -> tuple[type["_Session"], tuple[object, ...]]:
        # Tune saves its hooks for a resumption that is never asked for: the records are the state.
        return _Session, (list, _ignore)

    def ended(self) -> bool:
        """Whether the run is over before its trainings are."""
        if self.error is None and self.watch is not None:
            try:
                self.watch.check()
            except ConnectionError as error:
                self.error = error
        return self.error is not None

    def settle(self, trial: Trial, outcome: Outcome) -> None:
        """Pass an outcome on; what goes wrong ends the run instead of vanishing in Ray's log."""
        if self.error is not None or trial.trial_id in self.settled:
            return
        self.settled.add(trial.trial_id)
        if outcome.mistake:
            self.error = UserError(outcome.mistake)
            return
        try:
            self.on_outcome(trial.config["pair"], outcome)
        except Exception as error:  # raised again by run_trainings, once Ray has let go
            self.error = error


def _ignore(pair: Pair, outcome: Outcome) -> None:
    """Of a session that was saved."""


class _Queue(Searcher):
    """Gives Tune the pairs as they are decided, instead of a grid fixed beforehand."""

    def __init__(self, session: _Session, data: Callable[[Pair], Any]) -> None:
        super().__init__()
        self._session, self._data = session, data
        self._waiting: Iterator[Pair] = iter(())
        self._running: set[str] = set()

    def suggest(  # type: ignore[override]
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        if self._session.error is not None:
            return str(Searcher.FINISHED)
        pair = next(self._waiting, None)
        if pair is None and self._running:
            return None
        if pair is None:
            self._waiting = iter(self._session.next_pairs())
            pair = next(self._waiting, None)
        if pair is None:
            return str(Searcher.FINISHED)
        try:
            data = self._data(pair)
        except UserError as error:
            self._session.error = error
            return str(Searcher.FINISHED)
        self._running.add(trial_id)
        return {"pair": pair, "data": data}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self._running.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the records are the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the records are the state."""


class _KeepStartingWorkers(FIFOScheduler):
    """Leaves a trial waiting for its starting worker where it is.

    Tune's own schedulers give the oldest waiting trial to whichever worker is free, and with
    that cancel the worker that was being started for it: where trainings are shorter than the
    start of a worker, all would run on the first one.
    """

    def choose_trial_to_run(self, tune_controller: Any, **_: Any) -> Trial | None:
        return None


class _Asha(AsyncHyperBandScheduler):
    """Asynchronous successive halving over epochs, and workers left to start as above."""

    def choose_trial_to_run(self, tune_controller: Any, **_: Any) -> Trial | None:
        return None


def _scheduler(asha: int | None) -> TrialScheduler:
    if asha is None:
        return _KeepStartingWorkers()  # type: ignore[no-untyped-call]
    return _Asha(
        time_attr="epoch",
        metric="accuracy",
        mode="max",
        grace_period=asha,
        reduction_factor=3,
        max_t=_NEVER,
    )


class _Recorder(tune.Callback):
    def __init__(self, session: _Session) -> None:
        self._session = session

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        if "outcome" in result:
            self._session.settle(trial, result["outcome"])

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        if "epoch" in trial.last_result and "outcome" not in trial.last_result:
            epoch, accuracy = trial.last_result["epoch"], trial.last_result["accuracy"]
            reason = f"ended after epoch {epoch} at {accuracy:.4f}, behind others there (ASHA)"
            self._session.settle(trial, Outcome(number=0, reason=reason))

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """A worker was lost; where Ray ended it for want of memory, the next is to do with half."""
        if ended_for_memory(_last_error(trial)):
            reductions = trial.config.get("memory_reductions", 0) + 1
            config = {**trial.config, "memory_reductions": reductions}
            trial.set_config(config)  # type: ignore[no-untyped-call]

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        reason = f"its worker died {_RETRIES + 1} times: {first_line(_last_error(trial))}"
        self._session.settle(trial, Outcome(number=0, reason=reason, lost=True))


class _Stop(tune.Stopper):
    def __init__(self, session: _Session) -> None:
        self._session = session

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._session.ended()


def _last_error(trial: Trial) -> str:
    """What Tune noted of the trial's last failure, below a line of its own."""
    file = Path(trial.error_file) if trial.error_file else None
    noted = file.read_text(errors="replace") if file and file.exists() else ""
    noted = noted.rpartition("\nFailure # ")[2]
    return noted.partition("\n")[2].strip() or "no reason given"
