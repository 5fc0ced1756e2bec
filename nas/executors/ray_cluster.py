"""A Ray cluster to run evaluations on: one that exists, or this machine's cores."""

import logging
import math
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from nas.defaults.conf import default
from nas.executors.ray_address import Place, Watch, reach
from search_spaces.errors import CommandFailed, UserError

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

_LOOPBACK = "127.0.0.1"
_NOT_CUSTOM = {"CPU", "GPU", "memory", "object_store_memory"}
_STARTS = 3
"""Times a cluster of our own is begun: a busy machine may take longer than Ray waits."""


@dataclass(frozen=True, kw_only=True)
class RaySettings:
    """Where Ray runs, and what each training takes of it."""

    address: str | None = default("ray/default", "address")
    """None or `local`: a cluster of our own on this machine; `auto` or `host:port`: an existing
    one, which this machine is part of."""
    cpus: float = default("ray/default", "cpus")
    """Cores a training occupies, and threads it uses."""
    gpus: float = default("ray/default", "gpus")
    """GPUs a training occupies; a fraction shares one."""
    workers: int | None = default("ray/default", "workers")
    """Trainings side by side; as many as the cluster holds when None."""
    resources: Mapping[str, float] = field(
        default_factory=lambda: default("ray/default", "resources")
    )
    """What a training occupies of a node's custom resources (`ray start --resources`), by name."""

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


@dataclass(frozen=True, slots=True)
class Cluster:
    """One that is connected."""

    workers: int
    """Trainings side by side."""
    watch: Watch


@contextmanager
def ray_cluster(settings: RaySettings) -> Iterator[Cluster]:
    """Be connected to the cluster.

    One of our own listens on the loopback interface alone, and only to whoever has its token.
    Raises UserError where a cluster cannot be reached, and where it lacks what was asked for,
    instead of waiting for it.
    """
    settings.check()
    with ExitStack() as stack:
        if settings.is_local:
            stack.enter_context(_token())
        os.environ.update(_ENVIRONMENT)
        if not settings.is_local:
            # An address that does not answer, Ray would try for minutes.
            os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
            reach(_resolved(str(settings.address)))
        import ray

        over = threading.Event()
        stack.callback(over.set)
        stack.enter_context(_unannounced())
        with _signals_kept():
            _connect(settings)
        stack.callback(ray.shutdown)
        nodes = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        if settings.is_local and any(node["NodeManagerAddress"] != _LOOPBACK for node in nodes):
            raise UserError(
                f"ray: version {ray.__version__} listens on all interfaces; use another"
            )
        workers = _workers(settings, [node["Resources"] for node in nodes])
        yield Cluster(workers, stack.enter_context(_watch(settings, nodes).on(over)))


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Inside, what handles SIGTERM stays in place: Ray's own handler aborts the process."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _connect(settings: RaySettings) -> None:
    import ray

    attempts = _STARTS if settings.is_local else 1
    for attempt in range(1, attempts + 1):
        try:
            if settings.is_local:
                with _our_modules(), _on_loopback():
                    ray.init(
                        address="local",
                        num_cpus=_cores(),
                        include_dashboard=False,
                        log_to_driver=False,
                        logging_level=logging.ERROR,
                        _node_ip_address=_LOOPBACK,
                        job_config=_job(settings),
                    )
            else:
                ray.init(
                    settings.address,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    job_config=_job(settings),
                )
            return
        except Exception as error:  # Ray raises plain ones too
            ray.shutdown()
            if attempt == attempts:
                reason = " ".join(str(error).split())
                if settings.is_local:  # what only the machine can be blamed for
                    raise CommandFailed(f"ray: no cluster starts here: {reason}") from None
                raise UserError(f"ray.address: {settings.address}: {reason}") from None


def _resolved(address: str) -> str:
    """The address that `auto` stands for; itself where there is none, or it is one."""
    if address != "auto":
        return address
    from ray._private import services  # what ray.init itself asks

    try:
        found = services.canonicalize_bootstrap_address_or_die("auto")
    except Exception as error:  # of Ray's own kinds
        reason = " ".join(str(error).split()).partition(" Please specify")[0]
        raise UserError(f"ray.address: auto: {reason}") from None
    return str(found)


def _watch(settings: RaySettings, nodes: list[dict[str, Any]]) -> Watch:
    import ray

    if str(settings.address).startswith("ray://"):
        address = str(settings.address)
        return Watch(address, {"its head node": _place(address.removeprefix("ray://"))})
    context = ray.get_runtime_context()
    places = {"its control service (GCS)": _place(context.gcs_address)}
    for node in nodes:
        if node["NodeID"] == context.get_node_id():
            places["the raylet of this node"] = (
                node["NodeManagerAddress"],
                node["NodeManagerPort"],
            )
    return Watch(context.gcs_address, places)


def _place(address: str) -> Place:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _on_loopback() -> AbstractContextManager[None]:
    """Let a cluster that is started inside listen to this machine alone.

    Ray does so by itself where a node's address is the loopback's, but on Linux replaces that one.
    """
    from ray._private import services

    return _replaced(services, "resolve_ip_for_localhost", lambda host: host)


def _unannounced() -> AbstractContextManager[None]:
    """Let Ray not print, inside, what its cluster says of losses: there are words of ours."""
    from ray._private import worker

    return _replaced(worker, "print_to_stdstream", lambda *_, **__: None)


@contextmanager
def _replaced(module: ModuleType, name: str, function: Callable[..., Any]) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, function)
    try:
        yield
    finally:
        setattr(module, name, before)


@contextmanager
def _token() -> Iterator[None]:
    """Let a cluster that is started inside ask for a token, which its processes alone know."""
    names = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict(zip(names, ("token", secrets.token_hex(32)), strict=True)))
    _read_environment()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _read_environment()


def _read_environment() -> None:
    """Let Ray see a changed token; it reads the environment once."""
    import ray

    if hasattr(ray._raylet, "AuthenticationTokenLoader"):  # before, there were no tokens
        ray._raylet.Config.initialize("")  # type: ignore[attr-defined]
        ray._raylet.AuthenticationTokenLoader.instance().reset_cache()


def _job(settings: RaySettings) -> Any:
    """The job, with our import path for its workers; of Ray's making where Ray's client does it.

    Ray itself would put the working directory before everything else, so that any file there of
    the name of a package would stand for it.
    """
    from ray.job_config import JobConfig

    if str(settings.address).startswith("ray://"):
        return None

    class Job(JobConfig):
        def _runtime_env_has_working_dir(self) -> bool:
            return True  # what keeps Ray from adding ours

    # Workers put each before those that came earlier. Their own path serves all but our folder.
    own = os.getcwd() in sys.path
    return Job(_py_driver_sys_path=[path for path in reversed(sys.path) if path] if own else [])


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
