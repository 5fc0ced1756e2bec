"""The training loop."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nas.data.dataset import Dataset, Labelled
from nas.training.augment import augment, normalise
from nas.training.outcomes import Report, TrainingFailed
from nas.training.recipe import Recipe, learning_rate, make_average, make_optimizer
from nas.training.update import Part, Update, autocast, statistics_of

_VALIDATION_BATCH = 256
_LATE = 0.75
_SHORTEST_JUDGED = 4
"""Fewer epochs than these may end at chance and mean nothing."""


def fit(
    model: nn.Module,
    data: Dataset,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    device: torch.device,
    report: Report,
    parts: int = 1,
) -> tuple[float, ...]:
    """Train `model` in place and give its validation accuracy after each epoch.

    The same seed on the same machine, with as many threads, gives the same accuracies, whatever
    torch's global generator holds, and leaves that untouched. With an EMA it is the average that
    is validated. To save memory, the gradient of a step may be added up from `parts` of its batch:
    learning rates, steps and augmentation stay, but batch normalisation sees a part at a time, and
    dropout draws anew. Raises TrainingFailed when the loss is no longer finite, and when late in
    training neither training nor validation is better than chance.
    """
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    update = Update(
        model=model,
        averaged=None if recipe.ema is None else make_average(recipe.ema, model),
        optimizer=make_optimizer(recipe, model),
        device=device,
        mixed_precision=recipe.mixed_precision,
        label_smoothing=recipe.label_smoothing,
    )
    training = _Training(
        update=update,
        data=data.to(device),
        recipe=recipe,
        epochs=epochs,
        generator=torch.Generator().manual_seed(seed),
        parts=parts,
    )
    curve: list[float] = []
    with seeded(seed, device), statistics_of(parts, model):
        for epoch in range(epochs):
            fitted = training.run(epoch)
            accuracy = training.validate()
            training.check(epoch, fitted, accuracy)
            curve.append(accuracy)
            report(epoch, accuracy)
    return tuple(curve)


def validate(
    model: nn.Module,
    data: Dataset,
    images: Labelled,
    recipe: Recipe,
    *,
    batch_size: int = _VALIDATION_BATCH,
) -> float:
    """Give the fraction of `images` that the model classifies rightly."""
    device = data.mean.device
    model.eval()
    right = torch.zeros((), device=device)
    with torch.inference_mode(), autocast(recipe.mixed_precision, device):
        for chosen in torch.split(torch.arange(len(images)), batch_size):
            batch = normalise(images.pixels.batch(chosen, device), data.mean, data.std)
            labels = images.labels[chosen.to(device)]
            right += (model(batch).argmax(1) == labels).sum()
    return right.item() / len(images)


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed what torch draws inside, without disturbing what it draws outside.

    On CUDA, only algorithms of convs that repeat are used.
    """
    devices = [device] if device.type == "cuda" else []
    repeatable = torch.backends.cudnn.deterministic
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        torch.backends.cudnn.deterministic = True
        try:
            yield
        finally:
            torch.backends.cudnn.deterministic = repeatable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Training:
    """One network's training, an epoch at a time."""

    update: Update
    data: Dataset
    recipe: Recipe
    epochs: int
    generator: torch.Generator
    parts: int

    def run(self, epoch: int) -> float:
        """Train on every image once; give the fraction that was classified rightly meanwhile."""
        device = self.data.mean.device
        self.update.model.train()
        right, total_loss = torch.zeros(2, device=device)
        batches = self._shuffled_batches()
        for step, chosen in enumerate(batches):
            size, now = len(chosen), epoch + step / len(batches)
            lr = learning_rate(self.recipe, now, self.epochs, size)
            fitted = self.update(self._parts(chosen), size, lr)
            right += fitted.right
            total_loss += fitted.loss
        mean_loss = total_loss.item() / len(batches)
        if not math.isfinite(mean_loss):
            raise TrainingFailed(
                f"diverged: loss {mean_loss} at epoch {epoch + 1} of {self.epochs}"
            )
        return float(right) / sum(map(len, batches))

    def validate(self) -> float:
        """Give the accuracy on the validation images."""
        model = self.update.averaged or self.update.model
        size = max(1, _VALIDATION_BATCH // self.parts)
        return validate(model, self.data, self.data.val, self.recipe, batch_size=size)

    def check(self, epoch: int, fitted: float, accuracy: float) -> None:
        """Raise TrainingFailed for what has learnt nothing.

        Under an annealed schedule the order of networks appears near the end of training: those
        that are merely behind may yet win.
        """
        if self.epochs < _SHORTEST_JUDGED or epoch + 1 < _LATE * self.epochs:
            return
        if fitted <= chance(self.data.train) and accuracy <= chance(self.data.val):
            raise TrainingFailed(
                f"learnt nothing: accuracy {fitted:.3f} in training and {accuracy:.3f} in "
                f"validation are chance, after {epoch + 1} of {self.epochs} epochs"
            )

    def _shuffled_batches(self) -> tuple[Tensor, ...]:
        """Draw indices of equal batches; the images left over sit this epoch out."""
        images = len(self.data.train)
        size = min(self.recipe.batch_size, images)
        order = torch.randperm(images, generator=self.generator)[: images // size * size]
        return torch.split(order, size)

    def _parts(self, chosen: Tensor) -> Iterator[Part]:
        """Give the parts of a batch: augmented images, and their labels."""
        device = self.data.mean.device
        # The whole batch is augmented at once: what is drawn does not depend on the parts.
        images = self.data.train.pixels.batch(chosen, device)
        flip = self.recipe.flip and self.data.mirror
        images = augment(images, self.recipe.shift, flip, self.generator)
        labels = self.data.train.labels[chosen.to(device)]
        for part in torch.arange(len(chosen), device=device).tensor_split(self.parts):
            yield Part(normalise(images[part], self.data.mean, self.data.std), labels[part])


def chance(images: Labelled) -> float:
    """Give the accuracy that always answering the commonest class may reach.

    It is the share of that class and two standard errors, 1 at most.
    """
    share = images.labels.bincount().max().item() / len(images)
    return min(1.0, share + 2 * math.sqrt(share * (1 - share) / len(images)))
