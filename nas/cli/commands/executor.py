"""The executor that a configuration names."""

import dataclasses
import os
from collections.abc import Callable

from nas.cli.config import Config, integer
from nas.evaluators.base import Evaluator
from nas.executors.base import Executor
from nas.executors.local import InProcess, Processes
from search_spaces.errors import UserError
from search_spaces.parsing import closest, from_mapping


def executor(
    config: Config, evaluator: Evaluator, setting: str, given: object
) -> Callable[[], Executor]:
    """One of as many workers as `given`, which `setting` names; by the machine where it is None."""
    name = config["executor"]["name"]
    workers = None if given is None else integer(setting, given, 1)
    if name == "ray":
        from nas.executors.ray_cluster import RaySettings
        from nas.executors.ray_tasks import RayTasks

        settings = from_mapping(RaySettings, config["ray"], "ray")
        if workers is not None:
            settings = dataclasses.replace(settings, workers=workers)
        return lambda: RayTasks(evaluator, settings)
    if name != "local":
        raise UserError(f"executor.name: got {name!r}{closest(name, ('local', 'ray'))}")
    count = workers or len(os.sched_getaffinity(0))
    return (lambda: InProcess(evaluator)) if count == 1 else (lambda: Processes(evaluator, count))
