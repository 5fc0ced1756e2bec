"""A whole training: from a network and a data set to weights, and what they are worth.

As in the paper (arXiv 1905.11946, §5.2): a recipe, a minival held out of the training images that
picks the epoch, and the test images read once, at the end. What is drawn at random is a function of
the seed, the epoch and the step, so that a training goes on after a kill as if there had been none.
"""

import json
import math
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

import torch
import yaml
from torch import nn

from nas.data.loader import Loader
from nas.networks.card import model_card
from nas.networks.model import build
from nas.networks.trained import WEIGHTS, Card, save_trained
from nas.training.allocator import freed_memory_kept
from nas.training.checkpoint import Checkpoints, EpochRow, Standing
from nas.training.evaluation import Evaluation, evaluation
from nas.training.fit import seeded
from nas.training.group import ALONE, Group
from nas.training.learner import Learner
from nas.training.memory import within_memory
from nas.training.outcomes import TrainingFailed
from nas.training.plan import Plan
from nas.training.processes import told_in_a_line
from nas.training.recipe import learning_rate
from nas.training.step_pace import StepPace
from nas.training.threads import threads
from nas.training.transfer import set_trained
from nas.training.update import Fitted, statistics_of
from search_spaces.files import write_text
from search_spaces.yaml_io import write_arch

_CUDA_STEPS = 50
"""Steps on CUDA between looks at the loss, each of which waits for the device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a training is."""

    epoch: int
    """Epochs that are done."""
    epochs: int
    step: int
    """Steps that are done of the next one."""
    steps: int
    seconds_left: float | None
    row: EpochRow | None = None
    """The epoch that has just ended."""


class Watch(Protocol):
    """Who is told how a training goes."""

    def progress(self, now: Progress) -> None:
        """After each step, and after each epoch."""
        ...

    def say(self, line: str) -> None:
        """What a user should know."""
        ...


class Unheard:
    """Tells nothing: it is for processes other than the first, which tells it all."""

    def progress(self, now: Progress) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""


def train(plan: Plan, folder: Path, watch: Watch, group: Group = ALONE) -> Card:
    """Train a network, or go on with its training, in a folder of its own; give what it is worth.

    The folder ends with weights and what they are of. Until then it has a checkpoint, from which
    the same plan goes on and, in one process on the same machine with as many threads, ends in the
    same weights to the bit. Of several processes, process 0 alone reads and writes the folder.
    Raises TrainingFailed where the loss is no longer finite, or memory runs out with the smallest
    parts of a batch; UserError for a damaged checkpoint, a start that does not fit and images that
    cannot be decoded; OSError where the disk is full; in one of several processes, CommandFailed
    where it has no memory left, and ProcessLost where another is gone.
    """
    kept = Checkpoints(folder)
    there, before = group.shared(lambda: (kept.there(), kept.standing()))
    if there:
        watch.say(f"goes on after epoch {before.epoch}, step {before.step}")
        if before.threads not in (None, plan.threads):
            watch.say(
                f"it computed with threads={before.threads} so far, and does with "
                f"threads={plan.threads} now: the last digits of its weights may differ from those "
                "of a training that went on as it began"
            )

    def attempt(parts: int) -> Card:
        if parts > before.parts:
            watch.say(f"out of memory: batches of {plan.batch_size} go on in {parts} parts")
        with seeded(plan.seed, plan.device):
            run = _Run.begun(plan, kept, parts, watch, group)
            with statistics_of(parts, run.learner.model):
                while run.standing.epoch < plan.recipe.epochs:
                    run.epoch()
            return run.judged()

    with threads(plan.threads), freed_memory_kept():
        if group.ranks == 1:
            card, _ = within_memory(attempt, plan.batch_size, before.parts)
        else:  # which has to know at once where one of it stops
            with told_in_a_line(group.rank, group.ranks):
                card = attempt(max(1, before.parts // group.ranks))
    if group.rank == 0:
        kept.remove()
    return card


@dataclass(slots=True, kw_only=True)
class _Run:
    """A training from its checkpoint on."""

    plan: Plan
    kept: Checkpoints
    watch: Watch
    group: Group
    learner: Learner
    images: Loader
    minival: Loader | None
    standing: Standing
    saved: float = field(default_factory=time.monotonic)
    pace: StepPace = field(default_factory=StepPace)

    @classmethod
    def begun(cls, plan: Plan, kept: Checkpoints, parts: int, watch: Watch, group: Group) -> "_Run":
        """The training as its checkpoint left it, or at its beginning."""
        learner = Learner.of(plan, parts, group)
        standing, state = group.shared(
            lambda: (kept.standing(), kept.state() if kept.there() else None)
        )
        if state is not None:
            learner.load(state)
        else:
            if learner.began:
                watch.say(learner.began)
            plan.check_held_images(group.rank, group.ranks)
        held = plan.splits.minival
        return cls(
            plan=plan,
            kept=kept,
            watch=watch,
            group=group,
            learner=learner,
            images=plan.training_images(),
            minival=None if held is None else plan.held_images(held, parts),
            standing=replace(standing, parts=parts, threads=plan.threads),
        )

    def epoch(self) -> None:
        """Train on every image once, from the step that the checkpoint is of, and validate."""
        epoch, recipe, steps = self.standing.epoch, self.plan.recipe, self.images.steps
        set_trained(self.learner.model, recipe, epoch)
        every = _CUDA_STEPS if self.plan.device.type == "cuda" else 1
        begun, lr = time.monotonic() - self.standing.seconds, 0.0
        waiting: list[Fitted] = []
        first = self.standing.step
        batches = self.images.epoch(epoch, first, self.group.rank, self.group.ranks)
        for step, batch in enumerate(batches, start=first):
            lr = learning_rate(recipe, epoch + step / steps, recipe.epochs, self.plan.batch_size)
            size = self.images.size(step)
            waiting.append(self.learner.step(batch, size, epoch, step, lr))
            if self.pace.begins_now():
                self._wait()
            self.pace.step()
            if len(waiting) == every:
                self._take_in(waiting, lr, time.monotonic() - begun)
                due = time.monotonic() - self.saved >= self.plan.checkpoint_seconds
                if due and step + 1 < steps:
                    self._save()
            self.watch.progress(self._progress(step + 1))
        self._take_in(waiting, lr, time.monotonic() - begun)
        self._end_epoch(lr, begun)

    def judged(self) -> Card:
        """Read the test images once, and leave the weights with what they are worth."""
        plan, best = self.plan, self.group.shared(self.kept.best)
        model = build(plan.arch)
        model.load_state_dict(self.learner.judged.state_dict() if best is None else best)
        model.to(plan.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        test = plan.held_images(plan.splits.test, self.standing.parts)
        found = self._evaluated(test, model)
        chosen = self.standing.curve[self.standing.best_epoch - 1]
        card = plan.card(chosen.epoch, chosen.minival, found.tested())
        if self.group.rank == 0:
            folder, about = self.kept.training, {"classes": list(plan.classes), "phi": plan.phi}
            self._write_log()
            write_arch(plan.arch, folder / "network.yaml", {**about, **plan.regularised()})
            settings = plan.settings(self.standing.parts, self.group.ranks)
            text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
            write_text(folder / "settings.yaml", text)
            write_text(folder / "README.md", model_card(card))
            # The weights come last: where they are, the training has ended.
            save_trained(model.cpu(), card, folder / WEIGHTS)
        return card

    def _end_epoch(self, lr: float, begun: float) -> None:
        now, steps = self.standing, self.images.steps
        self._check_weights(lr)
        accuracy = self._validated()
        row = EpochRow(
            epoch=now.epoch + 1,
            lr=lr,
            train_loss=now.loss / steps,
            train_accuracy=now.right / len(self.plan.splits.train),
            minival=accuracy,
            seconds=round(time.monotonic() - begun, 3),
        )
        self.standing = now.after(row)
        best = accuracy is not None and self.standing.best_epoch == row.epoch
        self._save(with_best=best)
        self._write_log()
        self.watch.progress(replace(self._progress(0), row=row))

    def _take_in(self, waiting: list[Fitted], lr: float, seconds: float) -> None:
        """Add what steps met to how far the training has come. Raises TrainingFailed for NaN."""
        if not waiting:
            return
        found = torch.stack([torch.stack(each) for each in waiting]).double()
        for right, loss in (self.group.total(found) / self._shares()).tolist():
            now = self.standing
            if not math.isfinite(loss):
                raise self._diverged(f"the loss is {loss} in", now.step + 1, lr)
            self.standing = replace(
                now, step=now.step + 1, right=now.right + right, loss=now.loss + loss,
                seconds=seconds,
            )  # fmt: skip
        waiting.clear()

    def _check_weights(self, lr: float) -> None:
        """Raises TrainingFailed, in all processes, for weights that are no numbers any more.

        A loss is met before its step: what the last one of an epoch did, no loss tells.
        """
        odd = torch.tensor(float(not self.learner.is_finite()))
        if self.group.total(odd) > 0:
            what = "the weights are no finite numbers after"
            raise self._diverged(what, self.images.steps, lr)

    def _diverged(self, what: str, step: int, lr: float) -> TrainingFailed:
        epoch, recipe = self.standing.epoch + 1, self.plan.recipe
        return TrainingFailed(
            f"{what} epoch {epoch}, step {step} of {self.images.steps}: try a recipe.lr "
            f"below {recipe.lr:g} ({lr:.3g} in that step), more recipe.warmup_epochs or "
            f"recipe.clip_grad=1"
        )

    def _shares(self) -> torch.Tensor:
        """What the sum over processes is divided by: images are counted, losses are means."""
        return torch.tensor([1.0, self.group.ranks], device=self.plan.device).double()

    def _validated(self) -> float | None:
        if self.minival is None:
            return None
        return self._evaluated(self.minival, self.learner.judged).by(self.plan.metric).value

    def _evaluated(self, images: Loader, model: nn.Module) -> Evaluation:
        return evaluation(self.learner.answers(images, model), len(self.plan.classes))

    def _wait(self) -> None:
        """Wait for the device to do what it was asked for, so that a clock tells of it."""
        if self.plan.device.type == "cuda":
            torch.cuda.synchronize(self.plan.device)

    def _save(self, with_best: bool = False) -> None:
        if self.group.rank == 0:
            best = self.learner.judged.state_dict() if with_best else None
            self.kept.write(self.standing, self.learner.state(), best)
        self.saved = time.monotonic()

    def _write_log(self) -> None:
        """A line an epoch, as the checkpoint has them."""
        if self.group.rank == 0:
            lines = [json.dumps(asdict(row)) for row in self.standing.curve]
            write_text(self.kept.training / "log.jsonl", "\n".join(lines) + "\n")

    def _progress(self, step: int) -> Progress:
        epochs, steps = self.plan.recipe.epochs, self.images.steps
        missing = (epochs - self.standing.epoch) * steps - step
        return Progress(
            epoch=self.standing.epoch,
            epochs=epochs,
            step=step,
            steps=steps,
            seconds_left=self.pace.left(missing),
        )
