"""Training a supernet: the loop, from whichever step a checkpoint is of."""

import hashlib
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from nas.data.dataset import Dataset
from nas.supernet.modules import Modules
from nas.supernet.paths import Paths, Step
from nas.supernet.store import Store
from nas.training.augment import augment, normalise
from nas.training.checkpoint import (
    Checkpoints,
    EpochRow,
    Standing,
    load_optimizer,
    of,
    optimizer_tensors,
    under,
)
from nas.training.outcomes import TrainingFailed
from nas.training.recipe import Recipe, learning_rate, optimizer_of, parameter_groups
from nas.training.update import Fitted, autocast
from search_spaces.arch import Arch

Told = Callable[[int, int, EpochRow], None]
"""Called after each epoch with how many are done, of how many, and what the last came to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupernetTraining:
    """Trains a store of weights, a few candidates a step.

    What a step draws (candidates, images, augmentation) depends on the seed, the epoch and the
    number of the step alone, so that a training that was killed ends as if it had not been.
    """

    store: Store
    paths: Paths
    slim: Callable[[Arch], Arch]
    """What is trained in place of a candidate."""
    images: Callable[[int], Dataset]
    """The data at a resolution: the same images in the same order at each."""
    count: int
    """Images to train on."""
    recipe: Recipe
    epochs: int
    seed: int
    device: torch.device
    modules: Modules = field(default_factory=Modules)

    def run(self, kept: Checkpoints, every: float, told: Told) -> Standing:
        """Train, from the checkpoint where there is one; give what each epoch came to.

        A checkpoint is written every so many seconds, and at the end. Raises TrainingFailed where
        the loss is no longer finite, and UserError for a damaged checkpoint.
        """
        optimizer = self._optimizer()
        standing = kept.standing()
        if kept.there():
            self._load(kept.state(), optimizer)
        saved = time.monotonic()
        while standing.epoch < self.epochs:
            for now in self._epoch(standing, optimizer):
                if time.monotonic() - saved >= every or now.epoch == self.epochs:
                    kept.write(now, self._state(optimizer))
                    saved = time.monotonic()
                standing = now
            told(standing.epoch, self.epochs, standing.curve[-1])
        return standing

    def _optimizer(self) -> torch.optim.Optimizer:
        parameters = list(self.store.tensors.values())
        groups = parameter_groups(parameters, self.recipe.weight_decay)
        optimizer = optimizer_of(self.recipe, groups)
        if isinstance(optimizer, torch.optim.SGD) and self.recipe.momentum:
            # Fused, it wants all momenta or none, and weights meet their first gradient in turn.
            for parameter in parameters:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return optimizer

    def _epoch(self, standing: Standing, optimizer: torch.optim.Optimizer) -> Iterator[Standing]:
        """Train on every image once; give how far that has come after each step."""
        epoch, before, begun = standing.epoch, standing.seconds, time.monotonic()
        batches = self._batches(epoch)
        lr = 0.0
        for step, chosen in enumerate(batches):
            if step < standing.step:
                continue
            lr = learning_rate(self.recipe, epoch + step / len(batches), self.epochs, len(chosen))
            fitted = self._update(optimizer, chosen, epoch, step, lr)
            loss = float(fitted.loss)
            if not math.isfinite(loss):
                raise TrainingFailed(
                    f"the supernet diverged: its loss is {loss} in epoch {epoch + 1} of "
                    f"{self.epochs}; try a recipe.lr below {self.recipe.lr:g}"
                )
            standing = replace(
                standing,
                step=step + 1,
                right=standing.right + float(fitted.right),
                loss=standing.loss + loss,
                seconds=before + time.monotonic() - begun,
            )
            if step + 1 < len(batches):
                yield standing
        row = EpochRow(
            epoch=epoch + 1,
            lr=lr,
            train_loss=standing.loss / len(batches),
            train_accuracy=standing.right / sum(map(len, batches)),
            minival=None,
            seconds=round(standing.seconds, 3),
        )
        yield standing.after(row)

    def _update(
        self, optimizer: torch.optim.Optimizer, chosen: Tensor, epoch: int, step: int, lr: float
    ) -> Fitted:
        """Take one step; gives the means over its candidates.

        Weights that no candidate of the step has stay as they are: neither momentum nor decay moves
        them. The others go by the mean of the candidates that have them.
        """
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad()
        drawn = self.paths(random.Random(f"{self.seed} {epoch} {step}"))
        right, total = torch.zeros(2, device=self.device)
        for logits, labels, loss in self._losses(drawn, chosen, (epoch, step)):
            loss.backward()  # type: ignore[no-untyped-call]
            right += (logits.argmax(1) == labels).sum()
            total += loss.detach()
        if len(drawn.archs) > 1:
            self._average(drawn)
        optimizer.step()
        return Fitted(right / len(drawn.archs), total / len(drawn.archs))

    def _losses(
        self, drawn: Step, chosen: Tensor, when: tuple[int, int]
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Logits, labels and loss of each candidate; the first of a sandwich teaches the others."""
        taught: Tensor | None = None
        for arch in drawn.archs:
            slim = self.slim(arch)
            images, labels = self._batch(slim.resolution, chosen, when)
            with autocast(self.recipe.mixed_precision, self.device):
                logits = self.modules.forward(self.store, slim, images)
                smoothing = self.recipe.label_smoothing if taught is None else 0.0
                targets = labels if taught is None else taught
                loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
            if drawn.distils and taught is None:
                taught = logits.detach().softmax(1)
            yield logits.detach(), labels, loss

    def _average(self, drawn: Step) -> None:
        """Divide each gradient by the number of candidates that it is the sum of."""
        uses: Counter[str] = Counter()
        for arch in map(self.slim, drawn.archs):
            uses.update(self.modules.shared(self.store, arch))
        for name, count in uses.items():
            gradient = self.store.tensors[name].grad
            if count > 1 and gradient is not None:
                gradient /= count

    def _batches(self, epoch: int) -> tuple[Tensor, ...]:
        """Indices of equal batches in an order of the epoch's; what is left over sits it out."""
        size = min(self.recipe.batch_size, self.count)
        order = torch.randperm(self.count, generator=self._generator(epoch))
        return torch.split(order[: self.count // size * size], size)

    def _batch(
        self, resolution: int, chosen: Tensor, when: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        data = self.images(resolution)
        images = data.train.pixels.batch(chosen, self.device)
        flip = self.recipe.flip and data.mirror
        images = augment(images, self.recipe.shift, flip, self._generator(*when))
        return normalise(images, data.mean, data.std), data.train.labels[chosen.to(self.device)]

    def _generator(self, *when: int) -> torch.Generator:
        digest = hashlib.sha256(" ".join(map(str, (self.seed, *when))).encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:6], "big"))

    def _state(self, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
        return {
            **under("weights.", self.store.tensors),
            **under("optimizer.", optimizer_tensors(optimizer)),
        }

    def _load(self, state: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> None:
        with torch.no_grad():
            for name, tensor in of("weights.", state).items():
                self.store.tensors[name].copy_(tensor)
        load_optimizer(optimizer, of("optimizer.", state))
