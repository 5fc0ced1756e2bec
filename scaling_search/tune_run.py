"""Trainings under Ray Tune: hand out jobs to warm workers, hand back each outcome as it comes."""

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from nas.evaluators.base import Evaluator
from nas.executors.base import Job, Outcome, run_job
from scaling_search.strategies import Pair
from search_spaces.arch import Arch
from search_spaces.errors import UserError

_RETRIES = 2
"""Times a training is begun anew after its worker was lost."""


def run_trainings(
    archs: Sequence[Arch],
    evaluator: Evaluator,
    next_pairs: Callable[[], Sequence[Pair]],
    on_outcome: Callable[[Pair, Outcome], None],
    *,
    name: str,
    resources: dict[str, float],
    workers: int,
) -> None:
    """Train until `next_pairs`, asked when all it gave before is finished, gives nothing.

    Runs on the Ray cluster that is connected. `on_outcome` is called in this process, once for
    each pair. Workers keep their evaluator, with its data, from one training to the next. Ray
    keeps nothing on disk afterwards, and what a killed call of the same `name` left is removed.
    An error that `on_outcome` or `next_pairs` raises, and a
    user's mistake found by a worker, ends the run and is raised from here.
    """
    with _scratch(name) as scratch:
        session = _Session(next_pairs, on_outcome)
        shipped = _Shipped(ray.put(evaluator), tuple(archs))
        trainable = tune.with_parameters(_Training, shipped=shipped)
        for noisy in ("ray", "ray.tune"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        tuner = tune.Tuner(
            tune.with_resources(trainable, resources),
            tune_config=tune.TuneConfig(
                search_alg=_Queue(session),
                scheduler=_KeepStartingWorkers(),  # type: ignore[no-untyped-call]
                num_samples=-1,
                max_concurrent_trials=workers,
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
        tuner.fit()
    if session.error is not None:
        raise session.error


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """A folder for what Ray Tune insists on writing; not the run's, which may be another node's."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"nas-search-tune-{os.getuid()}-{digest}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Shipped:
    """What goes to every worker once."""

    evaluator: "ray.ObjectRef[Evaluator]"
    archs: tuple[Arch, ...]


class _Training(tune.Trainable):
    """One training a step; the actor is reset, not restarted, for the next."""

    def setup(self, config: dict[str, Any], shipped: _Shipped) -> None:  # type: ignore[override]
        self.pair: Pair = config["pair"]
        self.shipped = shipped
        self.evaluator: Evaluator | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.pair = new_config["pair"]
        return True

    def step(self) -> dict[str, Any]:
        if self.evaluator is None:
            try:
                self.evaluator = ray.get(self.shipped.evaluator)
            except Exception as error:  # a class that this worker cannot import, say
                return {"outcome": Outcome(number=0, mistake=_unloadable(error)), "done": True}
        candidate, seed = self.pair
        job = Job(candidate, self.shipped.archs[candidate], (seed,))
        return {"outcome": run_job(self.evaluator, job), "done": True}


def _unloadable(error: Exception) -> str:
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"evaluator: a worker cannot load it: {first_line}"


@dataclass(slots=True)
class _Session:
    """What Ray Tune's hooks share: they all run in the driver."""

    next_pairs: Callable[[], Sequence[Pair]]
    on_outcome: Callable[[Pair, Outcome], None]
    error: BaseException | None = None

    def __reduce__(self) -> tuple[type["_Session"], tuple[object, ...]]:
        # Tune saves its hooks for a resumption that is never asked for: the records are the state.
        return _Session, (list, _ignore)

    def settle(self, pair: Pair, outcome: Outcome) -> None:
        """Pass an outcome on; what goes wrong ends the run instead of vanishing in Ray's log."""
        if self.error is not None:
            return
        if outcome.mistake:
            self.error = UserError(outcome.mistake)
            return
        try:
            self.on_outcome(pair, outcome)
        except Exception as error:  # raised again by run_trainings, once Ray has let go
            self.error = error


def _ignore(pair: Pair, outcome: Outcome) -> None:
    """Of a session that was saved."""


class _Queue(Searcher):
    """Gives Tune the pairs as they are decided, instead of a grid fixed beforehand."""

    def __init__(self, session: _Session) -> None:
        super().__init__()
        self._session = session
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
        self._running.add(trial_id)
        return {"pair": pair}

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


class _Recorder(tune.Callback):
    def __init__(self, session: _Session) -> None:
        self._session = session

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        self._session.settle(trial.config["pair"], result["outcome"])

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        reason = f"its worker died {_RETRIES + 1} times: {_first_line(trial)}"
        self._session.settle(trial.config["pair"], Outcome(number=0, reason=reason))


class _Stop(tune.Stopper):
    def __init__(self, session: _Session) -> None:
        self._session = session

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._session.error is not None


def _first_line(trial: Trial) -> str:
    error = trial.get_pickled_error() or trial.get_error()
    return (str(error).strip() or type(error).__name__).splitlines()[0]
