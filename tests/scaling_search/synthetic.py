"""Evaluators with accuracies that are known, for sweeps that take no time."""

import hashlib
import math
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from nas.evaluators.base import EvaluationFailed, Measurement
from search_spaces.errors import UserError


def known_accuracy(arch, seed, sigma):
    """Best near twice the layers' share, with noise that depends on network and seed alone."""
    layers = sum(stage.repeats for stage in arch.stages)
    surface = 0.8 - 0.05 * math.log(layers / 23) ** 2 - 0.5 * math.log(arch.resolution / 258) ** 2
    rng = random.Random(hashlib.sha256(f"{seed} {arch.key()}".encode()).hexdigest())
    return surface + rng.gauss(0, sigma)


@dataclass(frozen=True)
class Surface:
    """Takes `seconds`, and leaves a line in `diary` for each evaluation it began."""

    sigma: float = 0.005
    seconds: float = 0.0
    diary: str | None = None

    def evaluate(self, arch, seed, report):
        if self.diary:
            with Path(self.diary).open("a") as file:
                file.write(
                    f"{arch.key()} {seed} {os.getpid()} {os.environ.get('OMP_NUM_THREADS')}\n"
                )
        time.sleep(self.seconds)
        return Measurement(accuracy=known_accuracy(arch, seed, self.sigma), curve=(0.1, 0.2))

    def describe(self):
        return {"surface": "synthetic", "sigma": self.sigma}

    def prepare(self):
        pass


@dataclass(frozen=True)
class Troubled(Surface):
    """Goes wrong by resolution, in the ways evaluations do."""

    lost: str = ""
    """A file that tells a training whose worker died that it did."""

    def evaluate(self, arch, seed, report):
        if arch.resolution == 224:
            raise EvaluationFailed("the loss is not a number after epoch 2")
        if arch.resolution == 235:
            return Measurement(accuracy=float("nan"))
        if arch.resolution == 246:
            raise RuntimeError("a bug\nwith details")
        if arch.resolution == 258 and not Path(self.lost).exists():
            Path(self.lost).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if arch.resolution == 269:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().evaluate(arch, seed, report)


@dataclass(frozen=True)
class Mistaken(Surface):
    """Cannot evaluate anything, for a reason that is the user's to mend."""

    def evaluate(self, arch, seed, report):
        raise UserError("evaluator: there are no images left")
