"""A network that learns: its weights, their average and its optimizer, a step at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from nas.data.loader import Batch, Loader
from nas.networks.model import Network, build
from nas.training.accuracy import Answers, answers, together
from nas.training.augment import normalise
from nas.training.checkpoint import load_optimizer, of, optimizer_tensors, under
from nas.training.group import Group
from nas.training.initial import start_near_identity
from nas.training.mixing import erase, mix
from nas.training.plan import Plan
from nas.training.recipe import make_average, make_optimizer, optimizer_of
from nas.training.transfer import layer_groups
from nas.training.update import Fitted, Part, Update

_MODEL, _AVERAGED, _OPTIMIZER = "model.", "averaged.", "optimizer."


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """The network of a plan, in training."""

    plan: Plan
    model: Network
    update: Update
    group: Group
    parts: int
    mean: Tensor
    std: Tensor
    began: str
    """What a user should know of how the network began; empty for nothing."""

    @classmethod
    def of(cls, plan: Plan, parts: int, group: Group) -> Self:
        """The network as it begins. Raises UserError for a start that does not fit."""
        recipe = plan.recipe
        model = build(plan.arch)
        model.set_grad_checkpointing(recipe.grad_checkpointing)
        began = ""
        if plan.start is not None:
            began = plan.start.begin(model)
        elif recipe.near_identity:
            start_near_identity(model)
        model.to(plan.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if recipe.sync_batch_norm and group.ranks > 1:
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        freezes = recipe.freeze_epochs > 0 or recipe.freeze_batch_norm
        forward = group.wrapped(model, freezes)
        if recipe.compile and plan.device.type == "cuda":
            forward = torch.compile(forward)  # type: ignore[assignment]
        decayed = recipe.layer_decay is not None
        mixes = recipe.mixup or recipe.cutmix
        update = Update(
            model=model,
            averaged=None if recipe.ema is None else make_average(recipe.ema, model),
            optimizer=optimizer_of(recipe, layer_groups(model, recipe))
            if decayed
            else make_optimizer(recipe, model),
            device=plan.device,
            mixed_precision=recipe.mixed_precision,
            # The targets of mixed images are smoothed when they are mixed.
            label_smoothing=0.0 if mixes else recipe.label_smoothing,
            clip_grad=recipe.clip_grad,
            forward=forward,
        )
        mean, std = (torch.tensor(each, device=plan.device) for each in (plan.mean, plan.std))
        return cls(
            plan=plan,
            model=model,
            update=update,
            group=group,
            parts=parts,
            mean=mean,
            std=std,
            began=began,
        )

    def step(self, batch: Batch, size: int, epoch: int, step: int, lr: float) -> Fitted:
        """Learn from this process's slice of a batch of `size` images.

        What is drawn follows from the step alone.
        """
        seed = step_seed(self.plan.seed, epoch, step, self.group.rank)
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        return self.update(self._parts(batch, generator), size / self.group.ranks, lr)

    def answers(self, images: Loader, model: nn.Module) -> Answers:
        """What a model answers to all of the images, of which each process sees its part."""
        self.group.spread(model)
        found = answers(
            model,
            images.in_order(self.group.rank, self.group.ranks),
            self.mean,
            self.std,
            mixed_precision=self.plan.recipe.mixed_precision,
        )
        return together(self.group.gathered(found))

    @property
    def judged(self) -> nn.Module:
        """The model whose accuracy counts: the averaged one where there is one."""
        averaged = self.update.averaged
        return self.model if averaged is None else averaged.module

    def is_finite(self) -> bool:
        """Whether all weights and running statistics, averaged ones too, are finite numbers."""
        models = {id(each): each for each in (self.model, self.judged)}
        tensors = [each for model in models.values() for each in model.state_dict().values()]
        return all(bool(each.isfinite().all()) for each in tensors)

    def state(self) -> dict[str, Tensor]:
        """All tensors that going on needs."""
        averaged = self.update.averaged
        return {
            **under(_MODEL, self.model.state_dict()),
            **({} if averaged is None else under(_AVERAGED, averaged.state_dict())),
            **under(_OPTIMIZER, optimizer_tensors(self.update.optimizer)),
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up the state that `state` gave."""
        self.model.load_state_dict(of(_MODEL, state))
        averaged: AveragedModel | None = self.update.averaged
        if averaged is not None:
            averaged.load_state_dict(of(_AVERAGED, state))
        load_optimizer(self.update.optimizer, of(_OPTIMIZER, state))

    def _parts(self, batch: Batch, generator: torch.Generator) -> Iterator[Part]:
        """The parts of a batch, normalised, mixed and erased as a whole."""
        recipe, classes = self.plan.recipe, len(self.plan.classes)
        images = self._normalised(batch)
        targets = batch.labels.to(self.plan.device, non_blocking=True)
        if recipe.mixup or recipe.cutmix:
            images, targets = mix(
                images,
                targets,
                classes,
                mixup=recipe.mixup,
                cutmix=recipe.cutmix,
                smoothing=recipe.label_smoothing,
                generator=generator,
            )
        images = erase(images, recipe.erasing, generator)
        for part in torch.arange(len(targets), device=self.plan.device).tensor_split(self.parts):
            # Indexing a whole batch would copy it.
            whole = len(part) == len(targets)
            yield Part(images, targets) if whole else Part(images[part], targets[part])

    def _normalised(self, batch: Batch) -> Tensor:
        return normalise(batch.pixels.to(self.plan.device, non_blocking=True), self.mean, self.std)


def step_seed(seed: int, epoch: int, step: int, rank: int) -> int:
    """The seed of what a process draws in one step, which depends on nothing before it."""
    drawn = np.random.SeedSequence([seed, epoch, step, rank]).generate_state(1, np.uint64)
    return int(drawn[0] >> np.uint64(1))
