"""A Ray cluster to run evaluations on: one that exists, or this machine's cores."""

import logging
import math
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from search_spaces.errors import UserError

# Nothing leaves the machine, nothing is printed that is not ours, and Ctrl-C is the program's.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}

_NOT_CUSTOM = {"CPU", "GPU", "memory", "object_store_memory"}
_STARTS = 3
"""Times a cluster of our own is begun: a busy machine may take longer than Ray waits."""


@dataclass(frozen=True, kw_only=True)
class RaySettings:
    """Where Ray runs, and what each training takes of it."""

    address: str | None = None
    """None or `local`: a cluster of our own on this machine; `auto` or `host:port`: an existing
    one, which this machine is part of."""
    cpus: float = 1
    """Cores a training occupies, and threads it uses."""
    gpus: float = 0
    """GPUs a training occupies; a fraction shares one."""
    workers: int | None = None
    """Trainings side by side; as many as the cluster holds when None."""
    resources: Mapping[str, float] = field(default_factory=dict)
    """Of a node's custom resources (`ray start --resources`), by name, what a training occupies."""

    def __post_init__(self) -> None:
        if not isinstance(self.resources, Mapping):
            raise UserError(f"resources: expected amounts by name, got {self.resources!r}")
        custom = {f"resources.{name}": value for name, value in self.resources.items()}
        for name, value in {"cpus": self.cpus, "gpus": self.gpus, **custom}.items():
            if not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
                raise UserError(f"{name}: expected a number of at least 0, got {value!r}")
        for name in _NOT_CUSTOM & self.resources.keys():
            raise UserError(f"resources.{name}: not a custom resource; cpus and gpus have settings")
        if self.cpus == self.gpus == 0:
            raise UserError("cpus: expected a number above 0 where gpus is 0")
        if self.workers is not None and self.workers < 1:
            raise UserError(f"workers: expected at least 1, got {self.workers}")

    @property
    def is_local(self) -> bool:
        """Whether we start the cluster ourselves."""
        return self.address in (None, "local")

    @property
    def share(self) -> dict[str, float]:
        """What a training occupies, by Ray's names; without what it does not."""
        asked = {"CPU": self.cpus, "GPU": self.gpus, **self.resources}
        return {name: value for name, value in asked.items() if value}

    def check(self) -> None:
        """Raises UserError where this machine's own cores cannot hold what is asked of them.

        Takes no time, unlike finding out from a cluster, which is all there is for other machines.
        """
        if self.is_local:
            _workers(self, [{"CPU": float(_cores()), "GPU": math.inf}])


@contextmanager
def ray_cluster(settings: RaySettings) -> Iterator[int]:
    """Be connected to the cluster; yields how many trainings run side by side.

    Raises UserError where it cannot be reached, and where it lacks what was asked for, instead
    of waiting for it.
    """
    settings.check()
    if not settings.is_local:
        _reach(str(settings.address))
    os.environ.update(_ENVIRONMENT)
    import ray

    _connect(settings)
    try:
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        yield _workers(settings, nodes)
    finally:
        ray.shutdown()


def _connect(settings: RaySettings) -> None:
    import ray

    attempts = _STARTS if settings.is_local else 1
    for attempt in range(1, attempts + 1):
        try:
            with _our_modules():
                ray.init(
                    address="local" if settings.is_local else settings.address,
                    num_cpus=_cores() if settings.is_local else None,
                    include_dashboard=False if settings.is_local else None,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            return
        except Exception as error:  # Ray raises plain ones too
            ray.shutdown()
            if attempt == attempts:
                reason = " ".join(str(error).split())
                where = settings.address or "local"
                raise UserError(f"ray.address: {where}: {reason}") from None


def _reach(address: str) -> None:
    """UserError where nobody answers; Ray itself would keep trying for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not colon or not port.isdigit():
        raise UserError(f"ray.address: expected local, auto or host:port, got {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"ray.address: {address}: no cluster answers: {error}") from None


@contextmanager
def _our_modules() -> Iterator[None]:
    """Let workers of a cluster that is started here import whatever we can."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _workers(settings: RaySettings, nodes: list[dict[str, float]]) -> int:
    """Trainings that fit on the nodes, at most those asked for; UserError where they do not."""
    asked = settings.share
    fits = sum(
        int(min(node.get(name, 0.0) / amount + 1e-9 for name, amount in asked.items()))
        for node in nodes
    )
    wanted = settings.workers or 1
    if fits >= wanted:
        return settings.workers or fits
    each = " and ".join(f"{amount:g} {name}" for name, amount in asked.items())
    there = ", ".join(
        " and ".join(f"{node.get(name, 0.0):g} {name}" for name in asked) for node in nodes
    )
    many = f"{wanted} trainings side by side need" if wanted > 1 else "a training needs"
    raise UserError(
        f"ray: {many} {each} each, which is more than there is "
        f"({'nodes with ' if len(nodes) > 1 else ''}{there})"
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0))
