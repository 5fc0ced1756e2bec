"""The long form of the test that a training survives kills: ten at random moments, twice.

    python benchmarks/train_chaos.py CIFAR10 [--kills 10] [--images 5000] [--epochs 6] [--only one]

CIFAR10 is a folder of parquet files, or one, of CIFAR-10. A slim EfficientNet-B0 is trained on so
many of its images at 32 px: undisturbed, and by commands that are killed until the last one ends,
in one process and in two under Ray Train. There a worker is killed each time; the driver goes on.
One process has to end in the same weights to the bit, two within 1e-5.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file

from search_spaces.scaling import scale
from search_spaces.yaml_io import write_arch
from search_spaces.zoo import zoo

_TWO = ("executor=ray", "ray.workers=2", "ray.cpus=1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cifar10")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--only", choices=("one", "two"))
    asked = parser.parse_args()
    slim = scale(zoo("efficientnet_b0"), depth=0.5, width=0.25, resolution=32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_arch(slim, folder / "slim.yaml")
        common = (
            str(folder / "slim.yaml"),
            *("data=parquet", f"data.path={asked.cifar10}", f"data.limit={asked.images}"),
            *(f"recipe.epochs={asked.epochs}", "threads=1", "checkpoint_seconds=2"),
        )
        for title, own, most in (("one", (), 0.0), ("two", _TWO, 1e-5)):
            if asked.only not in (None, title):
                continue
            command = [sys.executable, "-m", "nas.cli", "train", *common, *own]
            undisturbed, seconds = timed([*command, f"run={folder / title}"])
            killed = [*command, f"run={folder / title}-killed", f"max_failures={asked.kills}"]
            workers = title == "two"
            kills = chaos(killed, asked.kills, seconds, workers, random.Random(0))
            found = difference(folder / title, folder / f"{title}-killed")
            print(
                f"{title}: {undisturbed} undisturbed in {seconds:.0f} s; {kills} kills; weights "
                f"differ by {found:.3g} at most: {'good' if found <= most else 'BAD'}",
                flush=True,
            )


def timed(command: Sequence[str]) -> tuple[str, float]:
    """Run a command; the last line that it says, and how long it takes."""
    started = time.monotonic()
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return ended.stdout.splitlines()[-1].rpartition(" ")[0].strip(), time.monotonic() - started


def chaos(
    command: Sequence[str], kills: int, seconds: float, workers: bool, rng: random.Random
) -> int:
    """Run a command to its end in spite of kills, and say how many there were."""
    dealt, process = 0, subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while True:
        pause = rng.uniform(0, 2 * seconds / kills)
        try:
            code = process.wait(pause if dealt < kills else None)
        except subprocess.TimeoutExpired:
            if not workers:
                process.kill()
                process.wait()
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
                dealt += 1
            elif found := ray_workers(process.pid):
                os.kill(rng.choice(found), signal.SIGKILL)
                dealt += 1
            continue
        if code:
            raise SystemExit(f"exit code {code}: {' '.join(command)}")
        return dealt


def ray_workers(driver: int) -> list[int]:
    """The processes of Ray Train's workers below a driver."""
    below, found = [driver], []
    while below:
        pid = below.pop()
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            title = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:  # it has ended
            continue
        below += map(int, children)
        if "RayTrainWorker" in title:
            found.append(pid)
    return found


def difference(one: Path, other: Path) -> float:
    """The largest difference of two trainings' weights."""
    left, right = (load_file(each / "trained/slim/weights.safetensors") for each in (one, other))
    return max(float((left[name].double() - right[name].double()).abs().max()) for name in left)


if __name__ == "__main__":
    main()
