"""An evaluator for tests: a smooth accuracy surface with noise, in no time or as slow as asked."""

import hashlib
import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement, Report
from nas.networks.cost import cost
from search_spaces.arch import Arch


@dataclass(frozen=True, kw_only=True)
class Toy(Evaluator):
    """Accuracy grows with the logarithm of MACs, and with the share of 5×5 kernels."""

    seconds: float = 0.0
    noise: float = 0.0
    fail_every: int = 0
    """Every nth key diverges; 0 for none."""
    gate: str = ""
    """A file that is waited for."""
    free: int = 0
    """Evaluations, in whatever process, that begin before the gate is there."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        if self.gate:
            wait_at(Path(self.gate), self.free)
        time.sleep(self.seconds)
        digest = int(hashlib.sha256(f"{arch.key()}/{seed}".encode()).hexdigest()[:8], 16)
        if self.fail_every and int(arch.key(), 16) % self.fail_every == 0:
            raise EvaluationFailed("diverged: loss nan at epoch 1")
        fives = sum(stage.kernel == 5 for stage in arch.stages) / len(arch.stages)
        accuracy = 0.5 + 0.05 * math.log10(cost(arch).macs / 1e8) + 0.1 * fives
        accuracy += self.noise * (digest / 2**32 - 0.5)
        report(0, accuracy)
        return Measurement(accuracy=accuracy, curve=(accuracy,))

    def describe(self) -> Mapping[str, str | int | float]:
        return {"dataset": "toy"}


def wait_at(gate: Path, free: int) -> None:
    """Wait until the file `gate` is there; the first `free` of all processes' calls need not."""
    with Path(f"{gate}.begun").open("ab", buffering=0) as begun:
        begun.write(b".")
        number = begun.tell()
    if number > free:
        wait_until(gate.exists)


def wait_until(condition: Callable[[], object], seconds: float = 300) -> None:
    """Wait for what is sure to come; however busy the machine is, it takes less than that."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came of it in {seconds} s")
        time.sleep(0.02)


def prepare(evaluator: Evaluator) -> None:
    """Prepare an evaluator that keeps nothing in its workspace."""
    with tempfile.TemporaryDirectory() as workspace:
        evaluator.prepare(Path(workspace), lambda done, total, note="": None)
        assert not list(Path(workspace).iterdir())
