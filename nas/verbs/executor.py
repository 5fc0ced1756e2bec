"""The executor that a configuration names."""

import dataclasses
import os
from collections.abc import Callable

from nas.evaluators.base import Evaluator
from nas.executors.base import Executor
from nas.executors.local import InProcess, Processes
from nas.verbs.config import Config, at_least
from search_spaces.errors import UserError
from search_spaces.parsing import closest, from_mapping

_NAMES = ("local", "ray", "ray_tune")


def executor(
    config: Config, evaluator: Evaluator, setting: str, given: object, asha: int | None = None
) -> Callable[[], Executor]:
    """A maker of the executor, of as many workers as `given`, or by the machine where it is None.

    `setting` names the setting that `given` is of, and `asha` is the sweep's. Raises UserError for
    what this machine does not have, and for an executor that cannot do it.
    """
    make = _maker(config, setting, given, asha)
    return lambda: make(evaluator)


def check_executor(config: Config, setting: str, given: object, asha: int | None = None) -> None:
    """Raises UserError as `executor` does, before there is an evaluator."""
    _maker(config, setting, given, asha)


def _maker(
    config: Config, setting: str, given: object, asha: int | None
) -> Callable[[Evaluator], Executor]:
    name = config["executor"]["name"]
    workers = None if given is None else at_least(setting, given, 1)
    if name not in _NAMES:
        raise UserError(f"executor.name: got {name!r}{closest(name, _NAMES)}")
    if asha is not None and name != "ray_tune":
        raise UserError(
            f"sweep.asha: {asha}: only executor=ray_tune ends trainings early, got executor={name}"
        )
    if name == "local":
        count = workers or len(os.sched_getaffinity(0))
        return InProcess if count == 1 else lambda evaluator: Processes(evaluator, count)
    from nas.executors.ray_cluster import RaySettings
    from nas.executors.ray_tasks import RayTasks
    from nas.executors.ray_tune.executor import RayTune

    settings = from_mapping(RaySettings, config["ray"], "ray")
    if workers is not None:
        settings = dataclasses.replace(settings, workers=workers)
    settings.check()
    if name == "ray":
        return lambda evaluator: RayTasks(evaluator, settings)
    return lambda evaluator: RayTune(evaluator, settings, asha)
