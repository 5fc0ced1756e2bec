"""Several processes that train the plan of `whole_training` together, as torchrun starts them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from nas.training.plan import Plan
from nas.training.processes import Launched, ProcessLost
from nas.training.train import train
from search_spaces.arch import Arch
from search_spaces.zoo import zoo
from whole_training import RECIPE, STEPS, Listener, plan

SAME = replace(RECIPE, mixup=0.0, erasing=0.0, optimizer="sgd", lr=0.05, epochs=2)
"""Without what processes draw apart from each other."""


def convnext() -> Arch:
    """A network without batch normalisation, whose statistics would be of slices."""
    whole = zoo("convnext_tiny")
    stages = [
        replace(stage, channels=8 * (i + 1), repeats=1) for i, stage in enumerate(whole.stages[:2])
    ]
    stem = replace(whole.stem, channels=8)
    return whole.replace(
        stem=stem, stages=tuple(stages), resolution=16, num_classes=10, dropout=0.0, drop_path=0.0
    )


def together(folder: Path, kill: int = 0, network: str = "small") -> list[tuple[int, str]]:
    """Train with two processes, the second killed after some steps; give exit codes and errors."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = []
    for rank in range(2):
        places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
        told = {name: str(value) for name, value in places.items()}
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        environment = {**os.environ, **told, **address, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, __file__, str(folder), str(kill), network]
        running.append(
            subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        )
    try:
        said = [process.communicate(timeout=600)[1] for process in running]
    finally:
        for process in running:
            process.kill()
    return [(process.returncode, text) for process, text in zip(running, said, strict=True)]


def weights(folder: Path) -> Mapping[str, Tensor]:
    """The weights that a training left."""
    return load_file(folder / "weights.safetensors")


def furthest(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """The largest difference between two of the same weights."""
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@dataclass
class Deadly:
    """Reads images, and kills the process that reads so many, once or each time."""

    read: Callable[[int], Image.Image]
    after: int
    mark: Path
    """A file that is there once a process was killed."""
    once: bool = True
    reads: int = field(default=0)

    def __call__(self, position: int) -> Image.Image:
        self.reads += 1
        if self.reads > self.after and not (self.once and self.mark.exists()):
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.read(position)


def deadly_plan(mark: Path, once: bool = True) -> Plan:
    """The training whose process is killed in its second epoch."""
    whole = plan(checkpoint_seconds=0.0, memory=0.0)
    after = whole.batch_size // 2 * (STEPS + 1)
    read = Deadly(whole.splits.train.read, after, mark, once)
    train_split = replace(whole.splits.train, read=read)
    return replace(whole, splits=replace(whole.splits, train=train_split))


def main(folder: Path, kill: int, network: str) -> None:
    """Train as one of the processes."""
    launched = Launched.read()
    assert launched is not None
    changes = {"arch": convnext()} if network == "convnext" else {}
    asked = plan(SAME if changes else RECIPE, checkpoint_seconds=0.0, **changes)
    dies = kill > 0 and launched.rank == launched.ranks - 1
    with launched.joined(torch.device("cpu")) as group:
        train(asked, folder, Listener(kill=kill if dies else None), group)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    except ProcessLost as error:
        sys.exit(str(error))
