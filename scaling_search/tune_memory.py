"""Ray Tune, when Ray ends a worker because its node runs out of memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.air.execution._internal import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune.execution import tune_controller


class _ActorManager(RayActorManager):
    """Takes such a worker for lost, like any other that dies, so that its trial is begun anew."""

    def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, OutOfMemoryError):
            exception = RayActorError(error_msg=str(exception))
        super()._actor_task_failed(tracked_actor_task, exception)


@contextmanager
def survive_want_of_memory() -> Iterator[None]:
    """Inside, the end of a worker costs Tune a trial; its own actor manager ends the whole run."""
    before = tune_controller.RayActorManager  # type: ignore[attr-defined]
    tune_controller.RayActorManager = _ActorManager  # type: ignore[attr-defined]
    try:
        yield
    finally:
        tune_controller.RayActorManager = before  # type: ignore[attr-defined]


def ended_for_memory(error: str) -> bool:
    """Whether that is what an error says; its class does not come through."""
    return "running low on memory" in error
