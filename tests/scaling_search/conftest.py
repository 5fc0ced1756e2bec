import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def two_nodes():
    """A Ray cluster of two nodes with one core each; its address for RaySettings."""
    # Workers import the evaluators of these tests by name, as they would a user's own.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()
