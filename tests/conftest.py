"""Examples repeat from run to run, a busy machine fails none of them, and Ray starts once."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Tensors of this size gain nothing from a second thread, and wait long for one on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Ray's workers would give way to whatever else runs: on a busy machine they would hardly start.
os.environ.update({"RAY_worker_niceness": "0"})

settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    said = "random candidates of each shipped space and rule of sharing; 100 take some minutes"
    parser.addoption("--candidates", type=int, default=8, help=said)


@pytest.fixture
def candidates(request: pytest.FixtureRequest) -> int:
    """How many random candidates of a space are held to their slices."""
    count: int = request.config.getoption("--candidates")
    return count


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests on Ray first: they take longest, and side by side they share a cluster."""
    items.sort(key=lambda item: not _is_on_ray(item))


def _is_on_ray(item: pytest.Item) -> bool:
    return item.path.name.startswith("test_ray_") or "two_nodes" in getattr(
        item, "fixturenames", ()
    )


def pytest_configure(config: pytest.Config) -> None:
    # In pyproject.toml it would have NumPy imported before the number of threads is set above.
    config.addinivalue_line("filterwarnings", "ignore::optuna.exceptions.ExperimentalWarning")


@pytest.fixture(scope="session", autouse=True)
def _a_cache_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def two_nodes() -> Iterator[Any]:
    """A Ray cluster of two nodes with one core each; its address for RaySettings."""
    # Workers import the evaluators of these tests by name, as they would a user's own.
    here = Path(__file__).parent
    folders = sorted({str(path.parent) for path in here.rglob("*.py")})
    os.environ["PYTHONPATH"] = os.pathsep.join([*folders, *sys.path])
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    # Ray takes half a minute to miss a node that is killed; a test need not.
    notice = {"health_check_period_ms": 1000, "health_check_failure_threshold": 3}
    # Nobody reads its logs or has it grow: what would do that costs as much as many a test.
    bare = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    head = {"num_cpus": 1, **bare, "_system_config": notice}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()
