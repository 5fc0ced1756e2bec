"""Images loaded per second of one core at 224 px, beside a plain PyTorch pipeline in one run.

python benchmarks/loading.py

Both give normalised float batches of random resized crops, half of them mirrored, bicubic. The
plain pipeline is a torch DataLoader over a data set that opens, crops, resizes, mirrors and
normalises an image with Pillow and torch, as tutorials have it. Variants take turns, and the
fastest round of each counts, by the time of all processors used: on a busy machine that is the one
least disturbed. Policies are timed by themselves; kornia's RandAugment too, where kornia is
installed.
"""

import contextlib
import math
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nas.data.folders import Files
from nas.data.loader import Loader
from nas.data.sources import Split
from nas.training.augment import normalise
from nas.training.policies import POLICIES, make_policy
from nas.training.transforms import TrainTransform

SIDE = 224
BATCH = 32
IMAGES = 64
ROUNDS = 4
MEAN, STD = (123.7, 116.3, 103.5), (58.4, 57.1, 57.4)


def photos(folder: Path, width: int, height: int) -> list[str]:
    """JPEGs with a photograph's spectrum, and about as many bytes a pixel as ImageNet's."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    falloff = 1 / np.maximum(np.hypot(rows, columns), 1 / width)
    paths = []
    for index in range(IMAGES):
        channels = []
        for _ in range(3):
            phase = np.exp(2j * math.pi * rng.random(falloff.shape))
            wave = np.fft.irfft2(falloff * phase, (height, width))
            channels.append(128 + 50 * (wave - wave.mean()) / wave.std())
        pixels = np.stack(channels, -1).clip(0, 255).astype(np.uint8)
        path = folder / f"{index}.jpg"
        Image.fromarray(pixels).save(path, quality=90)
        paths.append(str(path))
    return paths


class Plain(Dataset[tuple[Tensor, int]]):
    """A data set as it is usually written."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with open(self.paths[index], "rb") as file:
            image = Image.open(file).convert("RGB")
        image = image.crop(self.crop(image.width, image.height))
        image = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        if torch.rand(1).item() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float()
        mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
        return pixels.sub_(mean).div_(std), index % 10

    def crop(self, width: int, height: int) -> tuple[int, int, int, int]:
        low, high = math.log(3 / 4), math.log(4 / 3)
        for _ in range(10):
            area = width * height * torch.empty(1).uniform_(0.08, 1).item()
            ratio = math.exp(torch.empty(1).uniform_(low, high).item())
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if w <= width and h <= height:
                left = int(torch.randint(0, width - w + 1, (1,)))
                upper = int(torch.randint(0, height - h + 1, (1,)))
                return left, upper, left + w, upper + h
        return 0, 0, width, height


def ours(paths: list[str], workers: int, memory_gb: float = 0.0) -> Callable[[], int]:
    """An epoch of the loader, each batch normalised as in training."""
    files, numbers = Files(tuple(paths), 179.0), np.arange(len(paths))
    loader = Loader(
        split=Split(numbers % 10, numbers, files.read, files.where, files),
        transform=TrainTransform(
            side=SIDE,
            mirror=True,
            crop_scale=0.08,
            shift=0.0,
            policy="none",
            magnitude=9.0,
            colour_jitter=0.0,
        ),
        batch_size=BATCH,
        seed=0,
        workers=workers,
        memory_gb=memory_gb,
    )
    mean, std = torch.tensor(MEAN), torch.tensor(STD)

    def epoch() -> int:
        return sum(len(normalise(batch.pixels, mean, std)) for batch in loader.epoch(0))

    return epoch


def plain(paths: list[str], workers: int) -> Callable[[], int]:
    """An epoch of the plain pipeline."""
    loader = DataLoader(Plain(paths), batch_size=BATCH, shuffle=True, num_workers=workers)
    return lambda: sum(len(images) for images, _ in loader)


def cpu_seconds() -> float:
    """The time of all processors used by this process and by its children that have ended."""
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def fastest(epochs: dict[str, Callable[[], int]]) -> dict[str, float]:
    """The images per second of a core of each variant."""
    best = dict.fromkeys(epochs, 0.0)
    for _ in range(ROUNDS):
        for name, epoch in epochs.items():
            start = cpu_seconds()
            images = epoch()
            best[name] = max(best[name], images / (cpu_seconds() - start))
    return best


def compare(what: str, variants: dict[str, Callable[[], int]]) -> None:
    speeds = fastest(variants)
    reference = next(iter(speeds.values()))
    for name, speed in speeds.items():
        print(f"{what:34}{name:26}{speed:8,.0f} images/s{speed / reference:8.2f}")
    print()


def policies() -> None:
    """The images per second of each policy by itself, at 224 px."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (64, SIDE, SIDE, 3), dtype=np.uint8)
    images = [Image.fromarray(each) for each in pixels]
    for name in POLICIES:
        policy = make_policy(name, 9.0)
        if policy is not None:
            start = time.process_time()
            for image in images:
                np.asarray(policy(image, rng))
            print(f"{name:60}{len(images) / (time.process_time() - start):8,.0f} images/s")
    with contextlib.suppress(ImportError):
        from kornia.augmentation.auto import RandAugment

        augment = RandAugment(n=2, m=9)
        batch = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
        augment(batch)
        start = time.process_time()
        augment(batch)
        print(f"{'kornia, RandAugment':60}{64 / (time.process_time() - start):8,.0f} images/s")


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for width, height, workers in ((500, 375, 0), (500, 375, 2), (1600, 1200, 0)):
            paths = photos(Path(folder, f"{width}-{workers}"), width, height)
            compare(
                f"JPEG of {width} × {height}, {workers} workers",
                {
                    "plain DataLoader + Pillow": plain(paths, workers),
                    "Loader": ours(paths, workers),
                    "Loader, kept in memory": ours(paths, workers, memory_gb=2.0),
                },
            )
    policies()


if __name__ == "__main__":
    main()
