"""Whole training steps per second of one core at 224 px, beside a plain PyTorch script in one run.

python benchmarks/training_at_224.py [network [batch]]

Both train EfficientNet-B0 with SGD on the same JPEG files, random resized crops and mirrors
included. The plain script is what tutorials have: contiguous tensors and a DataLoader without
workers; beside it the same with `channels_last`. Variants take turns, each time in a process of
their own, and the fastest epoch of each counts, by the time of all processors used.
"""

import multiprocessing
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from loading import MEAN, ROUNDS, STD, Plain, cpu_seconds, photos
from torch.nn import functional as F
from torch.utils.data import DataLoader

from nas.data.folders import Files
from nas.data.sources import Split
from nas.data.training_splits import TrainingSplits
from nas.networks.model import build
from nas.training.allocator import freed_memory_kept
from nas.training.group import ALONE
from nas.training.learner import Learner
from nas.training.plan import Plan
from nas.training.training_recipe import TrainingRecipe
from search_spaces.arch import Arch
from search_spaces.zoo import zoo

CLASSES = tuple("abcdefghij")
EQUAL = TrainingRecipe(
    crop_scale=0.08, colour_jitter=0.0, ema=None, label_smoothing=0.0, near_identity=False
)
"""What the plain script does, and nothing else."""


def plain(
    arch: Arch, paths: list[str], batch: int, layout: torch.memory_format
) -> Callable[[], int]:
    """An epoch of the script."""
    model = build(arch).to(memory_format=layout).train()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    loader = DataLoader(Plain(paths), batch_size=batch, shuffle=True)

    def epoch() -> int:
        images = 0
        for pixels, labels in loader:
            loss = F.cross_entropy(model(pixels.contiguous(memory_format=layout)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            images += len(labels)
        return images

    return epoch


def ours(arch: Arch, paths: list[str], batch: int, recipe: TrainingRecipe) -> Callable[[], int]:
    """An epoch of a whole training."""
    files, numbers = Files(tuple(paths), 179.0), np.arange(len(paths))
    split = Split(numbers % len(CLASSES), numbers, files.read, files.where, files)
    plan = Plan(
        arch=arch,
        recipe=replace(recipe, batch_size=batch),
        splits=TrainingSplits(split, None, split),
        classes=CLASSES,
        mean=MEAN,
        std=STD,
        mirror=True,
        data={},
        seed=0,
        device=torch.device("cpu"),
    )
    learner, images = Learner.of(plan, 1, ALONE), plan.training_images()

    def epoch() -> int:
        learner.model.train()
        for step, loaded in enumerate(images.epoch(0)):
            learner.step(loaded, len(loaded.labels), 0, step, 0.01)
        return len(paths)

    return epoch


VARIANTS: dict[str, Callable[[Arch, list[str], int], Callable[[], int]]] = {
    "plain script, contiguous": partial(plain, layout=torch.contiguous_format),
    "plain script, channels_last": partial(plain, layout=torch.channels_last),
    "nas-search train, the same recipe": partial(ours, recipe=EQUAL),
    "nas-search train, recipe=small": partial(ours, recipe=TrainingRecipe()),
}


def speed(name: str, network: str, paths: list[str], batch: int) -> float:
    """The images per second of a core, of the faster of two epochs."""
    torch.set_num_threads(1)
    arch = zoo(network).replace(num_classes=len(CLASSES), resolution=224, drop_path=0.0)
    epoch, best = VARIANTS[name](arch, paths, batch), 0.0
    with freed_memory_kept() if "nas-search" in name else nullcontext():
        for _ in range(2):
            start = cpu_seconds()
            images = epoch()
            best = max(best, images / (cpu_seconds() - start))
    return best


def main(network: str, batch: int) -> None:
    best = dict.fromkeys(VARIANTS, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        paths = photos(Path(folder, "photos"), 500, 375)
        for _ in range(ROUNDS):
            for name in VARIANTS:
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                    found = process.submit(speed, name, network, paths, batch).result()
                best[name] = max(best[name], found)
    reference = next(iter(best.values()))
    for name, found in best.items():
        print(f"{name:36}{found:8.2f} images/s{found / reference:8.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:2] or ["efficientnet_b0"], int(sys.argv[2]) if len(sys.argv) > 2 else 32)
