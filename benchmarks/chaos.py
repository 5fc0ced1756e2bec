"""The long form of the chaos test: sweeps whose drivers and workers are killed at random moments.

    python benchmarks/chaos.py [sweeps]

Each sweep is killed 20 times; its records must be those of an undisturbed one, by strategy, by
accuracy, to the last digit. On a cluster of two nodes with one core each.
"""

import os
import random
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests" / "support"
sys.path.insert(0, str(TESTS))
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster  # noqa: E402

from chaos import Chaos, expected, recorded  # noqa: E402


def main(sweeps: int) -> None:
    head = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    cluster.add_node(num_cpus=1)
    for number in range(sweeps):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            chaos = Chaos(Path(folder), cluster.address, random.Random(number))
            chaos.run(kills=20, drivers=3)
            same = recorded(Path(folder)) == expected()
        seconds = time.monotonic() - started
        print(
            f"sweep {number}: {chaos.drivers} drivers and {chaos.workers} workers killed, "
            f"{seconds:.0f} s, records {'equal' if same else 'DIFFERENT'}",
            flush=True,
        )
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
