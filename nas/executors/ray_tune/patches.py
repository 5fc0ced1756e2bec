"""The patches of Ray Tune's private classes: losing a worker costs a job one try, and no more."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.air.execution._internal import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune import tune as tune_module
from ray.tune.execution import tune_controller
from ray.tune.experiment import Trial

MADE_FOR = "2.60"
"""The version of Ray whose private classes are derived from here; other ones may differ."""


class _ActorManager(RayActorManager):
    """Takes a worker that was ended for want of memory for lost, like any other that dies.

    Tune's own ends the whole run.
    """

    def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = RayActorError(error_msg=str(exception))
        super()._actor_task_failed(tracked_actor_task, exception)


class _Controller(tune_controller.TuneController):
    """Counts each loss of a worker once.

    Tune's own hears of it twice where a trial was about to begin on that worker: first it puts
    the trial back in line, but as one that has a worker; then fails it, as it is not running.
    """

    _last_failure: Exception | None = None

    def _process_trial_failure(self, trial: Trial, exception: Any) -> None:
        if exception is self._last_failure:
            return
        self._last_failure = exception
        self._resetting_trials.discard(trial)
        super()._process_trial_failure(trial, exception)


@contextmanager
def survive_losses() -> Iterator[None]:
    """Let Tune run with the two classes above, inside."""
    managers: Any = tune_controller
    controllers: Any = tune_module
    before = managers.RayActorManager, controllers.TuneController
    managers.RayActorManager, controllers.TuneController = _ActorManager, _Controller
    try:
        yield
    finally:
        managers.RayActorManager, controllers.TuneController = before


def ended_for_memory(error: str) -> bool:
    """Tell whether an error says that a worker was ended for want of memory.

    Tune passes on its text, and not its class.
    """
    return "running low on memory" in error
