"""Evaluators with accuracies that are known, for sweeps that take no time."""

import hashlib
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement
from nas.executors.local import InProcess
from nas.executors.ray_cluster import RaySettings
from nas.executors.ray_tune.executor import RayTune
from search_spaces.errors import UserError
from toy import wait_at, wait_until


def on_tune(evaluator, asha=None, **settings):
    """Ray Tune, on the cluster of these settings."""
    return lambda: RayTune(evaluator, RaySettings(**settings), asha)


def here(evaluator):
    """This process."""
    return lambda: InProcess(evaluator)


def nowhere():
    """The executor of what is to train nothing."""
    raise AssertionError("a training was asked for")


def _node():
    ray = sys.modules.get("ray")  # which takes long to import where it does not run
    return ray.get_runtime_context().get_node_id() if ray and ray.is_initialized() else "driver"


def _threads():
    return os.environ.get("OMP_NUM_THREADS")


def known_accuracy(arch, seed, sigma):
    """Best near twice the layers' share, with noise that depends on network and seed alone."""
    layers = sum(stage.repeats for stage in arch.stages)
    surface = 0.8 - 0.05 * math.log(layers / 23) ** 2 - 0.5 * math.log(arch.resolution / 258) ** 2
    rng = random.Random(hashlib.sha256(f"{seed} {arch.key()}".encode()).hexdigest())
    return surface + rng.gauss(0, sigma)


@dataclass(frozen=True)
class Surface(Evaluator):
    """Takes `seconds`, and leaves a line in `diary` for each evaluation it began."""

    sigma: float = 0.005
    seconds: float = 0.0
    diary: str | None = None
    workers: int = 1
    """Workers that do their first `rounds` evaluations side by side, however late one starts."""
    rounds: int = 0
    gate: str = ""
    """A file that all evaluations wait for but the first `free`."""
    free: int = 0

    def evaluate(self, arch, seed, report):
        if self.diary:
            with Path(self.diary).open("a") as file:
                file.write(f"{arch.key()} {seed} {os.getpid()} {_node()} {_threads()}\n")
            wait_until(self._all_came_as_far)
        if self.gate:
            wait_at(Path(self.gate), self.free)
        time.sleep(self.seconds)
        return Measurement(accuracy=known_accuracy(arch, seed, self.sigma), curve=(0.1, 0.2))

    def _all_came_as_far(self):
        """Whether as many workers have begun as many evaluations as this one, or all rounds."""
        if not self.rounds:
            return True
        begun = Counter(line.split()[2] for line in Path(self.diary).read_text().splitlines())
        round_ = min(begun[str(os.getpid())], self.rounds)
        return sum(count >= round_ for count in begun.values()) >= self.workers

    def describe(self):
        return {"surface": "synthetic", "sigma": self.sigma}


@dataclass(frozen=True)
class Troubled(Surface):
    """Goes wrong with some networks, in the ways evaluations do."""

    lost: str = ""
    """A file that tells a training whose worker died that it did."""

    def evaluate(self, arch, seed, report):
        shape = (arch.resolution, arch.head.channels)
        if shape == (314, 1280):
            raise EvaluationFailed("the loss is not a number after epoch 2")
        if shape == (246, 1664):
            return Measurement(accuracy=float("nan"))
        if shape == (291, 1408):
            raise RuntimeError("a bug\nwith details")
        if shape == (224, 1792):
            os.kill(os.getpid(), signal.SIGKILL)
        if shape == (224, 1664) and not Path(self.lost).exists():
            Path(self.lost).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().evaluate(arch, seed, report)


@dataclass(frozen=True)
class Epochs(Surface):
    """Reports after each of nine epochs; the diary has a line for each that was begun."""

    def evaluate(self, arch, seed, report):
        accuracy, curve = known_accuracy(arch, seed, self.sigma), []
        for epoch in range(9):
            with Path(self.diary).open("a") as file:
                file.write(f"{arch.key()} {seed}\n")
            curve.append(accuracy * (1 - 0.5 ** (epoch + 1)))
            report(epoch, curve[-1])
        return Measurement(accuracy=curve[-1], curve=tuple(curve))


@dataclass(frozen=True)
class Failing(Surface):
    """Fails at one resolution."""

    resolution: int = 0

    def evaluate(self, arch, seed, report):
        if arch.resolution == self.resolution:
            raise EvaluationFailed("too large an image")
        return super().evaluate(arch, seed, report)


@dataclass(frozen=True)
class Mistaken(Surface):
    """Cannot evaluate anything, for a reason that is the user's to mend."""

    def evaluate(self, arch, seed, report):
        raise UserError("evaluator: there are no images left")


@dataclass(frozen=True)
class PerCent(Surface):
    """Says how accurate a network is in a unit of its own."""

    def evaluate(self, arch, seed, report):
        return 61.5


@dataclass(frozen=True)
class OnADisk(Surface):
    """Reads a file, which may not be there, for one of the networks."""

    path: str = ""

    def evaluate(self, arch, seed, report):
        if (arch.resolution, arch.head.channels) == (224, 1792):
            Path(self.path).read_text()
        return super().evaluate(arch, seed, report)
