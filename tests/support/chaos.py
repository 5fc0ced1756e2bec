"""Drivers and workers of a sweep killed at random moments, until it is finished all the same."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from scaling_search.plan import networks_of, strategy_of
from scaling_search.settings import SweepSettings
from scaling_search.sweep import plan_sweep
from search_spaces.zoo import zoo
from synthetic import known_accuracy

B0 = zoo("efficientnet_b0")
SETTINGS = SweepSettings(step=0.1, budget=30, tolerance_points=0)
SIGMA = 0.005
SECONDS = 0.2

DRIVER = """
import sys
from pathlib import Path
import chaos
from nas.executors.local import Processes
from scaling_search.sweep import run_sweep
from synthetic import Surface, on_tune

folder, address = Path(sys.argv[1]), sys.argv[2]
evaluator = Surface(chaos.SIGMA, chaos.SECONDS, str(folder / "diary"))
on_two = on_tune(evaluator, address=address) if address else lambda: Processes(evaluator, 2)
run_sweep(chaos.B0, chaos.SETTINGS, evaluator, folder, on_two)
"""


@dataclass
class Chaos:
    """Kills processes of sweeps in folders of `folder`."""

    folder: Path
    address: str
    """The address of the Ray cluster; empty for worker processes of this machine."""
    rng: random.Random
    drivers: int = 0
    """Drivers killed."""
    workers: int = 0
    """Workers killed."""
    sweeps: list[Path] = field(default_factory=list)
    """The folders of sweeps: more than one where one was over before all kills were dealt out."""
    _hits: Counter = field(default_factory=Counter)

    def run(self, kills, drivers):
        """Finish a sweep, or more, in spite of `kills` kills, `drivers` of them of the driver."""
        fates = ["driver"] * drivers + ["worker"] * (kills - drivers)
        self.rng.shuffle(fates)
        driver = self._next_sweep()
        while fates:
            if not self._await_begun(driver, self.rng.randint(1, 3)):
                driver = self._next_sweep()
                continue
            time.sleep(self.rng.uniform(0, SECONDS))
            if fates[-1] == "driver":
                driver.kill()
                driver.wait()
                self.drivers += 1
                driver = self._start()
            elif not self._kill_worker():
                continue
            fates.pop()
        assert driver.wait() == 0

    def _next_sweep(self):
        self.sweeps.append(self.folder / str(len(self.sweeps)))
        self.sweeps[-1].mkdir()
        self._hits.clear()
        return self._start()

    def _start(self):
        command = [sys.executable, "-c", DRIVER, str(self.sweeps[-1]), self.address]
        return subprocess.Popen(command, cwd=Path(__file__).parent)

    def _begun(self):
        path = self.sweeps[-1] / "diary"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def _await_begun(self, driver, more):
        """Wait for so many more trainings to begin; False where the sweep ends before."""
        enough = len(self._begun()) + more
        while len(self._begun()) < enough:
            if driver.poll() is not None:
                assert driver.returncode == 0
                return False
            time.sleep(0.01)
        return True

    def _kill_worker(self):
        key, seed, pid, *_ = self._begun()[-1]
        # A training whose worker dies three times under one driver is a failed one, rightly.
        if self._hits[key, seed] == 2:
            return False
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            return False
        # It may have gone on to another training meanwhile.
        key, seed = next(line[:2] for line in reversed(self._begun()) if line[2] == pid)
        self._hits[key, seed] += 1
        self.workers += 1
        return True


def expected():
    """Accuracies by network and seed of the sweep that nobody disturbs."""
    grid = plan_sweep(B0, SETTINGS, Path("/nonexistent")).grid
    strategy, networks, results = strategy_of(SETTINGS, grid), networks_of(SETTINGS, grid), {}
    while pairs := strategy.pending(results):
        for candidate, seed in pairs:
            results[candidate, seed] = known_accuracy(networks[candidate].arch, seed, SIGMA)
    return {(networks[c].arch.key(), seed): a for (c, seed), a in results.items()}


def recorded(folder):
    """Accuracies on record; each training must be there once."""
    records = [json.loads(line) for line in (folder / "sweep.jsonl").read_text().splitlines()]
    found = {(record["key"], record["seed"]): record["accuracy"] for record in records}
    assert len(found) == len(records)
    return found
