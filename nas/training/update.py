"""One optimisation step, which the trainings of proxies and whole trainings share."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

RATE = "lr_scale"
"""The key of a group of parameters whose learning rate is this many times the step's."""


BATCH_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm)
"""The layers that keep running statistics."""


class Part(NamedTuple):
    """A part of a batch."""

    images: Tensor
    """float32, [n, 3, side, side]."""
    targets: Tensor
    """Classes, int64 [n], or a share of each, float32 [n, classes]."""


class Fitted(NamedTuple):
    """What a step met before it changed anything, on its device."""

    right: Tensor
    """Images of the batch that were classified rightly."""
    loss: Tensor
    """The mean over the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Changes a model's weights, and their moving average, by one step after the other."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    averaged: AveragedModel | None
    device: torch.device
    mixed_precision: bool
    label_smoothing: float
    clip_grad: float | None = None
    forward: Callable[[Tensor], Tensor] | None = None
    """The model as it is to be run, such as compiled; itself when None."""

    def __call__(self, parts: Iterable[Part], size: float, lr: float) -> Fitted:
        """Take a step of learning rate `lr` by the gradient of `size` images in parts.

        One of several processes has as many as they have on average, whatever its slice is, so that
        the mean of their gradients is that of the whole batch.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group.get(RATE, 1.0)
        self.optimizer.zero_grad()
        right, total = torch.zeros(2, device=self.device)
        for part in parts:
            logits, loss = self._backward(part, len(part.images) / size)
            right += (logits.argmax(1) == classes(part.targets)).sum()
            total += loss
        if self.clip_grad is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_grad)
        self.optimizer.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.model)
        return Fitted(right, total)

    def _backward(self, part: Part, share: float) -> tuple[Tensor, Tensor]:
        """Add the gradient of `share` of the batch; give logits, and what it adds to the loss."""
        with autocast(self.mixed_precision, self.device):
            logits = (self.forward or self.model)(part.images)
            loss = F.cross_entropy(logits, part.targets, label_smoothing=self.label_smoothing)
        loss = loss * share
        loss.backward()  # type: ignore[no-untyped-call]
        return logits.detach(), loss.detach()


def classes(targets: Tensor) -> Tensor:
    """The class of each image, int64 [n]: the one with the largest share."""
    return targets.argmax(1) if targets.ndim > 1 else targets


def autocast(mixed_precision: bool, device: torch.device) -> torch.autocast:
    """bfloat16 inside, where it is asked for on CUDA."""
    enabled = mixed_precision and device.type == "cuda"
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


@contextlib.contextmanager
def statistics_of(parts: int, model: nn.Module) -> Iterator[None]:
    """Let running statistics change as much in a step of `parts` updates as in one of one."""
    layers = [layer for layer in model.modules() if isinstance(layer, BATCH_NORMS)]
    before = [layer.momentum for layer in layers]
    for layer, momentum in zip(layers, before, strict=True):
        if momentum is not None and parts > 1:
            layer.momentum = 1 - (1 - momentum) ** (1 / parts)
    try:
        yield
    finally:
        for layer, momentum in zip(layers, before, strict=True):
            layer.momentum = momentum
