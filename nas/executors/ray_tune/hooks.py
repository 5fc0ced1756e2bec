"""What Ray Tune calls while it runs: which job is next, what became of one, whether to stop."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from nas.evaluators.faults import EvaluatorFailed, first_line
from nas.executors.base import Outcome
from nas.executors.ray_data import SharedData
from nas.executors.ray_tune.patches import ended_for_memory
from nas.executors.ray_tune.relay import Relay
from search_spaces.errors import UserError

RETRIES = 2
"""Times a job is begun anew after its worker was lost."""
_NEVER = 3**12
"""Epochs, beyond those of any training."""


class JobQueue(Searcher):
    """Gives Tune the jobs as they are submitted, instead of a grid fixed beforehand."""

    def __init__(self, relay: Relay, data: SharedData | None) -> None:
        super().__init__()
        self._relay, self._data = relay, data

    def __reduce__(self) -> tuple[type["JobQueue"], tuple[Relay, None]]:
        # For the resumption that never comes; the data are not to be saved with it.
        return JobQueue, (Relay(), None)

    def suggest(  # type: ignore[override]
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        self._relay.check()
        job = self._relay.next_job()
        while job is not None:
            try:
                data = self._data.reference(job.arch) if self._data else None
            except (UserError, EvaluatorFailed) as error:
                self._relay.hand_over(Outcome(number=job.number, mistake=str(error)))
                job = self._relay.next_job()
            else:
                return {"job": job, "data": data}
        return str(Searcher.FINISHED) if self._relay.over else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: outcomes go another way."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the records are the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the records are the state."""


class Recorder(tune.Callback):
    """Hands over the outcome of each trial, once."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._settled: set[str] = set()

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **_: Any
    ) -> None:
        if "outcome" in result:
            self._settle(trial, result["outcome"])

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **_: Any
    ) -> None:
        if "epoch" in trial.last_result and "outcome" not in trial.last_result:
            epoch, accuracy = trial.last_result["epoch"], trial.last_result["accuracy"]
            reason = f"ended after epoch {epoch} at {accuracy:.4f}, behind others there (ASHA)"
            self._settle(trial, Outcome(number=trial.config["job"].number, reason=reason))

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        """Let the next worker do with half the memory, where Ray ended the last for want of it."""
        if ended_for_memory(_last_error(trial)):
            job = trial.config["job"]
            job = replace(job, memory_reductions=job.memory_reductions + 1)
            trial.set_config({**trial.config, "job": job})  # type: ignore[no-untyped-call]

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **_: Any) -> None:
        reason = f"its worker died {RETRIES + 1} times: {first_line(_last_error(trial))}"
        number = trial.config["job"].number
        self._settle(trial, Outcome(number=number, reason=reason, lost=True))

    def _settle(self, trial: Trial, outcome: Outcome) -> None:
        if trial.trial_id not in self._settled:
            self._settled.add(trial.trial_id)
            self._relay.hand_over(outcome)


class Stop(tune.Stopper):
    """Ends the whole run in the midst of its jobs, where that is asked for."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        self._relay.check()
        return False


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


def scheduler(asha: int | None) -> TrialScheduler:
    """A scheduler that ends what is behind after `asha` epochs, or nothing where that is None."""
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


def _last_error(trial: Trial) -> str:
    """Give what Tune noted of the trial's last failure, below a line of Tune's own."""
    file = Path(trial.error_file) if trial.error_file else None
    noted = file.read_text(errors="replace") if file and file.exists() else ""
    noted = noted.rpartition("\nFailure # ")[2]
    return noted.partition("\n")[2].strip() or "no reason given"
