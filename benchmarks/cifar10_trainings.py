"""Trainings on CIFAR-10 that several benchmarks are made of: the commands a user would type."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nas.networks.trained_header import WEIGHTS, card_in
from nas.statistics.intervals import mean_error
from search_spaces.scaling import scale
from search_spaces.yaml_io import write_arch
from search_spaces.zoo import zoo

SEEDS = (0, 1, 2)
AT_ONCE = 2
"""Trainings side by side, each on a thread of its own."""


def slim_b0(folder: Path, width: float) -> Path:
    """EfficientNet-B0 of half the layers and a share of the channels, at 32 px, as a YAML file."""
    path = folder / "slim.yaml"
    write_arch(scale(zoo("efficientnet_b0"), depth=0.5, width=width, resolution=32), path)
    return path


def train_all(trainings: Mapping[str, Sequence[str]], runs: Path) -> dict[str, float]:
    """The test accuracy of each training, by its name; `trainings` has the overrides of each."""

    def train(name: str) -> float:
        command = [sys.executable, "-m", "nas.cli", "train", *trainings[name]]
        own = ["threads=1", f"run={runs / name}", "name=trained"]
        ended = subprocess.run([*command, *own], capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(f"{name}: {ended.stderr}")
        accuracy = float(card_in(weights(runs, name))["test"]["accuracy"]["value"])
        print(f"{name}: {accuracy:.2%}", flush=True)
        return accuracy

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(trainings, pool.map(train, trainings), strict=True))


def weights(runs: Path, name: str) -> Path:
    """Where a training leaves its weights."""
    return runs / name / "trained" / "trained" / WEIGHTS


def mean(accuracies: Sequence[float]) -> str:
    """A mean of percentages with its standard error."""
    return f"{100 * sum(accuracies) / len(accuracies):.1f} ± {100 * mean_error(accuracies):.1f}"
