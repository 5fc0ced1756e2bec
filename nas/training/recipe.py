"""The recipe of a training, as data, and what follows from it without training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nas.defaults.conf import default
from nas.training.rmsprop import RMSpropTF
from search_spaces.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything about training but the data, the epochs and the seed."""

    optimizer: Literal["sgd", "rmsprop_tf", "adamw"] = default("recipe/short", "optimizer")
    """`sgd`: with Nesterov momentum; `rmsprop_tf`: TensorFlow's; `adamw`."""
    lr: float = default("recipe/short", "lr")
    """Peak learning rate for batches of 256; it grows linearly with the batch."""
    batch_size: int = default("recipe/short", "batch_size")
    momentum: float = default("recipe/short", "momentum")
    """The momentum of sgd and rmsprop_tf; the first β of adamw."""
    weight_decay: float = default("recipe/short", "weight_decay")
    """The decay of weights of convs and linear layers; biases and batch normalisation have none."""
    schedule: Literal["cosine", "linear", "exponential"] = default("recipe/short", "schedule")
    """How the learning rate falls: to zero at the end, or by `decay` every `decay_epochs`."""
    decay: float = default("recipe/efficientnet", "decay")
    decay_epochs: float = default("recipe/efficientnet", "decay_epochs")
    warmup_epochs: float = default("recipe/short", "warmup_epochs")
    """Epochs over which the learning rate first rises from zero; the schedule runs meanwhile."""
    label_smoothing: float = default("recipe/short", "label_smoothing")
    ema: float | None = default("recipe/short", "ema")
    """Decay, per step, of a moving average of the weights that is then what validates. The n-th
    step's is (1 + n) / (10 + n) if that is less, as in TensorFlow."""
    flip: bool = default("recipe/short", "flip")
    """Mirror half of the images, of data whose classes survive it."""
    shift: float = default("recipe/short", "shift")
    """Move images by up to this fraction of their side, along each axis; edges are repeated."""
    near_identity: bool = default("recipe/short", "near_identity")
    """Residual branches start at zero and squeeze-and-excitation gates open, where the paper's
    initial weights would cost a short training most of its epochs."""
    mixed_precision: bool = default("recipe/short", "mixed_precision")
    """bfloat16 autocast on CUDA; elsewhere training is in float32."""

    def __post_init__(self) -> None:
        for name in ("lr", "batch_size", "decay", "decay_epochs"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise UserError(f"{name}: expected above 0, got {getattr(self, name)}")
        for name in ("weight_decay", "warmup_epochs"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise UserError(f"{name}: expected at least 0, got {getattr(self, name)}")
        for name in ("momentum", "label_smoothing", "shift"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name}: expected from 0 to below 1, got {getattr(self, name)}")
        if self.ema is not None and not 0 < self.ema < 1:
            raise UserError(f"ema: expected between 0 and 1, or null, got {self.ema}")
        _one_of("optimizer", self.optimizer, ("sgd", "rmsprop_tf", "adamw"))
        _one_of("schedule", self.schedule, ("cosine", "linear", "exponential"))


def learning_rate(recipe: Recipe, epoch: float, epochs: int, batch_size: int) -> float:
    """Give the learning rate after `epoch` epochs, a fraction, of a training of `epochs`."""
    peak = recipe.lr * batch_size / 256
    if epoch < recipe.warmup_epochs:
        return peak * epoch / recipe.warmup_epochs
    if recipe.schedule == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
    if recipe.schedule == "linear":
        return peak * (1 - epoch / epochs)
    return peak * float(recipe.decay ** math.floor(epoch / recipe.decay_epochs))


def make_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """Make the recipe's optimizer; parameters without weight decay are a group of their own."""
    return optimizer_of(recipe, parameter_groups(list(model.parameters()), recipe.weight_decay))


def optimizer_of(recipe: Recipe, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Make the recipe's optimizer of groups of parameters."""
    lr = recipe.lr
    if recipe.optimizer == "sgd":
        nesterov = recipe.momentum > 0
        return torch.optim.SGD(
            groups, lr=lr, momentum=recipe.momentum, nesterov=nesterov, fused=True
        )
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=(recipe.momentum, 0.999), fused=True)
    return RMSpropTF(groups, lr=lr, momentum=recipe.momentum)


def parameter_groups(parameters: Sequence[Tensor], weight_decay: float) -> list[dict[str, Any]]:
    """Divide parameters into those that the weight decay is of and those that have none."""
    decayed = [parameter for parameter in parameters if parameter.ndim > 1]
    free = [parameter for parameter in parameters if parameter.ndim <= 1]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]


def make_average(decay: float, model: nn.Module) -> AveragedModel:
    """Make an exponential moving average of the model's parameters and buffers."""

    def update(averages: Any, currents: Any, step: Tensor | int) -> None:
        warm = min(decay, (1 + int(step)) / (10 + int(step)))
        get_ema_multi_avg_fn(warm)(averages, currents, step)  # type: ignore[no-untyped-call]

    return AveragedModel(model, multi_avg_fn=update, use_buffers=True)


def _one_of(name: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise UserError(f"{name}: expected one of {', '.join(options)}, got {value}")
