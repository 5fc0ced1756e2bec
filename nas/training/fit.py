"""The training loop."""

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from nas.evaluators.base import EvaluationFailed, Report
from nas.training.augment import augment, normalise
from nas.training.data import Dataset, Labelled
from nas.training.recipe import Recipe, learning_rate, make_average, make_optimizer

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
) -> tuple[float, ...]:
    """Train `model` in place; its validation accuracy after each epoch, the last one's last.

    The same seed on the same machine, with as many threads, gives the same accuracies, whatever
    torch's global generator holds, and leaves that untouched. With an EMA it is the average that
    is validated. Raises EvaluationFailed when the loss is no longer finite, and when late in
    training neither training nor validation is better than chance.
    """
    data = data.to(device)
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = None if recipe.ema is None else make_average(recipe.ema, model)
    optimizer = make_optimizer(recipe, model)
    generator = torch.Generator().manual_seed(seed)
    curve: list[float] = []
    with seeded(seed, device):
        for epoch in range(epochs):
            fitted = _train_epoch(
                model, averaged, optimizer, data, recipe, epoch, epochs, generator
            )
            accuracy = validate(averaged or model, data, data.val, recipe)
            _check_learning(data, fitted, accuracy, epoch, epochs)
            curve.append(accuracy)
            report(epoch, accuracy)
    return tuple(curve)


def validate(model: nn.Module, data: Dataset, images: Labelled, recipe: Recipe) -> float:
    """Fraction of `images` that the model classifies rightly."""
    device = data.mean.device
    model.eval()
    right = torch.zeros((), device=device)
    with torch.inference_mode(), _autocast(recipe, device):
        for chosen in torch.split(torch.arange(len(images)), _VALIDATION_BATCH):
            batch = normalise(images.pixels.batch(chosen, device), data.mean, data.std)
            labels = images.labels[chosen.to(device)]
            right += (model(batch).argmax(1) == labels).sum()
    return right.item() / len(images)


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global generators start at `seed` inside, and go on as if nothing was outside."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def _train_epoch(
    model: nn.Module,
    averaged: AveragedModel | None,
    optimizer: torch.optim.Optimizer,
    data: Dataset,
    recipe: Recipe,
    epoch: int,
    epochs: int,
    generator: torch.Generator,
) -> float:
    """One pass over the training images; the fraction classified rightly on the way."""
    device = data.mean.device
    model.train()
    right = total_loss = torch.zeros((), device=device)
    batches = _shuffled_batches(len(data.train), recipe.batch_size, generator)
    for step, chosen in enumerate(batches):
        lr = learning_rate(recipe, epoch + step / len(batches), epochs, len(chosen))
        for group in optimizer.param_groups:
            group["lr"] = lr
        images = data.train.pixels.batch(chosen, device)
        images = augment(images, recipe.shift, recipe.flip and data.mirror, generator)
        labels = data.train.labels[chosen.to(device)]
        with _autocast(recipe, device):
            logits = model(normalise(images, data.mean, data.std))
            loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if averaged is not None:
            averaged.update_parameters(model)
        right = right + (logits.argmax(1) == labels).sum()
        total_loss = total_loss + loss.detach()
    mean_loss = total_loss.item() / len(batches)
    if not math.isfinite(mean_loss):
        raise EvaluationFailed(f"diverged: loss {mean_loss} at epoch {epoch + 1} of {epochs}")
    return right.item() / sum(map(len, batches))


def _shuffled_batches(
    images: int, batch_size: int, generator: torch.Generator
) -> tuple[Tensor, ...]:
    """Indices of equal batches; the images left over sit this epoch out."""
    size = min(batch_size, images)
    order = torch.randperm(images, generator=generator)[: images // size * size]
    return torch.split(order, size)


def _check_learning(data: Dataset, fitted: float, accuracy: float, epoch: int, epochs: int) -> None:
    """Only for what has failed: under an annealed schedule the order of networks appears near
    the end of training, so that those merely behind may yet win."""
    if epochs < _SHORTEST_JUDGED or epoch + 1 < _LATE * epochs:
        return
    if fitted <= _chance(data.train) and accuracy <= _chance(data.val):
        raise EvaluationFailed(
            f"learnt nothing: accuracy {fitted:.3f} in training and {accuracy:.3f} in validation "
            f"are chance, after {epoch + 1} of {epochs} epochs"
        )


def _chance(images: Labelled) -> float:
    """What always answering the commonest class may reach, by two standard errors."""
    share = images.labels.bincount().max().item() / len(images)
    return share + 2 * math.sqrt(share * (1 - share) / len(images))


def _autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    enabled = recipe.mixed_precision and device.type == "cuda"
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)
