"""All that one training is made of, before it begins."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from nas.data.loader import Loader, Transform, batches
from nas.data.sources import Split
from nas.data.training_splits import Numbers, TrainingSplits
from nas.networks.tested import Tested
from nas.networks.trained import Card
from nas.statistics.metrics import Metric
from nas.training.training_recipe import TrainingRecipe
from nas.training.transfer import Start
from nas.training.transforms import EvalTransform, TrainTransform
from search_spaces.arch import Arch

_VALIDATION_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A network, the images it learns from, and how."""

    arch: Arch
    """As it is trained: for the data's classes, with the recipe's dropout and drop path."""
    recipe: TrainingRecipe
    splits: TrainingSplits
    classes: tuple[str, ...]
    mean: Numbers
    std: Numbers
    mirror: bool
    """Whether a mirror image is of the same class."""
    data: Mapping[str, str | int | float]
    """The data's identity, and their name."""
    seed: int
    device: torch.device
    metric: Metric = "accuracy"
    """What picks the epoch, and what the network is judged by."""
    phi: float = 0.0
    """By how much the network is larger than the baseline of its family."""
    start: Start | None = None
    """What the network begins as; new weights when None."""
    start_name: str = ""
    threads: int = 1
    workers: int = 0
    """Processes that decode images; 0: this one does."""
    memory: float = 0.0
    """GB of decoded images to keep."""
    checkpoint_seconds: float = 300.0

    @property
    def batch_size(self) -> int:
        """Images of a step, at most the recipe's: every image is in a step of each epoch."""
        images = len(self.splits.train)
        return math.ceil(images / batches(images, self.recipe.batch_size))

    @property
    def smallest_batch(self) -> int:
        """Images of the smallest step: as many, or one less."""
        images = len(self.splits.train)
        return images // batches(images, self.recipe.batch_size)

    def training_images(self) -> Loader:
        """The training images, augmented."""
        recipe = self.recipe
        transform = TrainTransform(
            side=self.arch.resolution,
            mirror=recipe.flip and self.mirror,
            crop_scale=recipe.crop_scale,
            shift=recipe.shift if recipe.crop_scale == 1 else 0.0,
            policy=recipe.policy,
            magnitude=recipe.magnitude,
            colour_jitter=recipe.colour_jitter,
        )
        return self._loader(self.splits.train, transform, recipe.batch_size)

    def held_images(self, split: Split, parts: int) -> Loader:
        """Images to validate on: each one's centre."""
        transform = EvalTransform(side=self.arch.resolution, crop_pct=self.recipe.crop_pct)
        size = max(1, _VALIDATION_BATCH // parts)
        return self._loader(split, transform, size)

    def check_held_images(self, rank: int, ranks: int) -> None:
        """Decode, of the images that are held out, the part of one of several processes.

        Raises UserError for a damaged one: found when it is to be judged by, it would cost what was
        trained so far, since a mended image makes other data of them.
        """
        for split in (self.splits.minival, self.splits.test):
            if split is not None:
                for _ in self.held_images(split, 1).in_order(rank, ranks):
                    pass

    def _loader(self, split: Split, transform: Transform, size: int) -> Loader:
        held = 0 if self.splits.minival is None else len(self.splits.minival)
        # Test images are read once; the others share what may be kept.
        share = 0.0 if split is self.splits.test else len(split) / (len(self.splits.train) + held)
        return Loader(
            split=split,
            transform=transform,
            batch_size=size,
            seed=self.seed,
            workers=self.workers,
            memory_gb=self.memory * share,
        )

    def regularised(self) -> dict[str, float]:
        """The part of the recipe that differs between the members of a family, by name."""
        magnitude = self.recipe.magnitude if self.recipe.policy == "randaugment" else None
        return {
            "dropout": self.arch.dropout,
            "drop_path": self.arch.drop_path,
            **({} if magnitude is None else {"magnitude": magnitude}),
        }

    def settings(self, parts: int, processes: int) -> dict[str, Any]:
        """All of it as plain data, for people."""
        return {
            "network": self.arch.name,
            "phi": self.phi,
            "resolution": self.arch.resolution,
            "member": self.regularised(),
            "recipe": asdict(self.recipe),
            "images": {
                "train": len(self.splits.train),
                "minival": 0 if self.splits.minival is None else len(self.splits.minival),
                "test": len(self.splits.test),
            },
            "data": dict(self.data),
            "metric": self.metric,
            "seed": self.seed,
            "start": self.start_name,
            "batch_size": self.batch_size,
            "parts": parts,
            "processes": processes,
            "device": str(self.device),
            "threads": self.threads,
            "loader_workers": self.workers,
            "torch": str(torch.__version__),
        }

    def card(self, best_epoch: int, minival: float | None, test: Tested) -> Card:
        """What stays with the weights."""
        return Card(
            arch=self.arch,
            classes=self.classes,
            mean=self.mean,
            std=self.std,
            crop_pct=self.recipe.crop_pct,
            recipe=asdict(self.recipe),
            data=self.data,
            epochs=self.recipe.epochs,
            best_epoch=best_epoch,
            seed=self.seed,
            metric=self.metric,
            minival=minival,
            test=test,
            start=self.start_name,
        )
