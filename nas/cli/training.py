"""Whole trainings in a command: planned, told about, kept in the run folder, done once."""

import hashlib
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import torch

from nas.cli.config import Config, make
from nas.cli.cores import loader_workers, torch_threads
from nas.cli.progress import ProgressLine, clock
from nas.data.dataset import digest_of_test, identity, splits, splitting
from nas.data.loader import is_lost_worker
from nas.data.report import training_report
from nas.data.sources import Source
from nas.data.training_splits import TrainingSplits, colours, training_splits
from nas.networks.cost import cost
from nas.networks.trained import WEIGHTS, Card, read_card, weights_in
from nas.runs.folder import RunFolder, RunStage
from nas.training.checkpoint import Checkpoints
from nas.training.devices import device_named
from nas.training.outcomes import TrainingFailed
from nas.training.plan import Plan
from nas.training.recipe import Recipe
from nas.training.train import Progress, train
from nas.training.training_recipe import TrainingRecipe, as_trained, of_member
from search_spaces.arch import Arch
from search_spaces.errors import CommandFailed, UserError
from search_spaces.files import kept_if_filled

_SURE = 5.0
"""Seconds after which the time that a training takes is told."""
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Start:
    """Weights that trainings start from."""

    given: str
    path: Path
    digest: str
    card: Card | None
    """What they are of; None where they do not say."""

    @classmethod
    def at(cls, given: str) -> Self:
        """The weights in a file, or in the folder that a training left. Raises UserError."""
        path = weights_in(given)
        if not path.is_file():
            raise UserError(f"weights: {path}: no such file")
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        try:
            card = read_card(path)
        except UserError:  # weights of somebody else's, which load as far as they fit
            card = None
        return cls(given, path, digest.hexdigest()[:16], card)


def recipe_of(config: Config) -> TrainingRecipe:
    """The recipe of the settings. Raises UserError for one that is no whole training's."""
    recipe = make(config["recipe"], "recipe", None)
    if not isinstance(recipe, TrainingRecipe):
        what = "a proxy's" if isinstance(recipe, Recipe) else "no"
        raise UserError(
            f"recipe: {config['recipe']['_target_']} is {what} recipe; expected one of whole "
            f"trainings: small, modern, efficientnet, finetune or plain"
        )
    return recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainings:
    """The trainings of one command: of any networks, with the same recipe, images and seed."""

    config: Config
    folder: RunFolder
    recipe: TrainingRecipe
    source: Source
    splits: TrainingSplits
    classes: tuple[str, ...]
    device: torch.device
    start: Start | None

    @classmethod
    def of(cls, config: Config, run: Path) -> Self:
        """The trainings that the settings ask for. Raises UserError, with nothing written."""
        recipe = recipe_of(config)
        if not config["checkpoint_seconds"] >= 0:
            raise UserError("checkpoint_seconds: expected at least 0")
        device = device_named(config["device"], "device")
        start = None if config["weights"] is None else Start.at(config["weights"])
        source: Source = make(config["data"], "data", Source)
        opened = splits(source)
        return cls(
            config=config,
            folder=RunFolder(run),
            recipe=recipe,
            source=source,
            splits=training_splits(opened, recipe.minival, getattr(source, "seed", 0)),
            classes=opened.classes,
            device=device,
            start=start,
        )

    def train(self, name: str, network: Arch, phi: float) -> Card:
        """Train a network, or go on with its training; what it is worth, too if it was done before.

        Its folder is called `name`; it is larger than the baseline of its family by `phi`.

        Raises UserError where the folder's training was of something else, and CommandFailed where
        the training fails.
        """
        recipe = of_member(self.recipe, phi)
        arch = as_trained(network.replace(num_classes=len(self.classes)), recipe)
        place = self.folder.path / "trained" / name
        made_with = {
            "network": arch.key(),
            "recipe": asdict(recipe),
            "seed": self.config["seed"],
            "start": "" if self.start is None else self.start.digest,
            "data": {**splitting(self.source), **identity(self.source)},
            "about": {"network": arch.name, "dataset": self.source.name},
        }
        kept = Checkpoints(place)
        stage = RunStage(
            name=f"training of {name}",
            made_with=made_with,
            recorded=lambda: (place / WEIGHTS).exists() or kept.there(),
            records=str(place),
        )
        with (
            self.folder.stage(stage),
            kept_if_filled(self.folder.path, "trained") as trained,
            kept_if_filled(trained, name),
        ):
            if (place / WEIGHTS).exists():
                card = read_card(place / WEIGHTS)
                kept.remove()
                _say(f"{name}: trained already, in {place}; nothing is left to do")
                return card
            plan = self._plan(arch, recipe, phi)
            watch = _Watch(name, plan.recipe.epochs)
            try:
                return train(plan, place, watch)
            except TrainingFailed as error:
                raise CommandFailed(f"{name}: {error}") from None
            except RuntimeError as error:
                if not is_lost_worker(error):
                    raise
                raise CommandFailed(
                    "a process that loads images was lost, most likely for want of memory: "
                    "loader_workers, or recipe.batch_size, below what they are need less"
                ) from None
            finally:
                watch.line.end()

    def _plan(self, arch: Arch, recipe: TrainingRecipe, phi: float) -> Plan:
        card = None if self.start is None else self.start.card
        mean, std, summary = colours(self.splits.train, arch.resolution)
        found = self.splits
        _say(training_report(splits(self.source), found.train, found.minival, found.test, summary))
        for note in found.notes:
            _say(f"data: {note}")
        # Weights know images normalised as they were when they were learnt.
        mean, std = (card.mean, card.std) if card else (mean, std)
        plan = Plan(
            arch=arch,
            recipe=recipe,
            splits=self.splits,
            classes=self.classes,
            mean=mean,
            std=std,
            mirror=self.source.mirror,
            data={
                "name": self.source.name,
                **identity(self.source),
                "test digest": digest_of_test(self.source),
            },
            seed=self.config["seed"],
            device=self.device,
            phi=phi,
            start=None if self.start is None else self.start.path,
            start_name="" if self.start is None else self.start.given,
            same_classes=None if card is None else tuple(card.classes) == self.classes,
            threads=torch_threads(self.config),
            workers=loader_workers(self.config, self.device),
            memory=self.source.memory,
            checkpoint_seconds=self.config["checkpoint_seconds"],
        )
        _say(described(plan))
        return plan


def described(plan: Plan) -> str:
    """What a training is going to do, in a line."""
    price, recipe, found = cost(plan.arch), plan.recipe, plan.splits
    held = (
        "the last epoch counts"
        if found.minival is None
        else (f"{len(found.minival):,} held-out images choose the epoch")
    )
    policy = "" if recipe.policy == "none" else f", {recipe.policy}"
    member = ", ".join(f"{name} {value:g}" for name, value in plan.regularised().items())
    start = f" from {plan.start_name}" if plan.start_name else ""
    return (
        f"train {plan.arch.name}{start}: {price.params:,} parameters, {price.macs:,} MACs at "
        f"{plan.arch.resolution} px; {recipe.epochs} epochs of {len(found.train):,} images in "
        f"batches of {plan.batch_size}, {recipe.optimizer}{policy}, {member}; {held}; "
        f"{len(found.test):,} test images are read at the end; on {plan.device}"
    )


@dataclass(slots=True)
class _Watch:
    """Tells the terminal how a training goes."""

    name: str
    epochs: int
    line: ProgressLine = field(init=False)
    started: float = field(default_factory=time.monotonic)
    told: float = 0.0
    estimated: bool = False
    note: str = ""
    best: float = 0.0

    def __post_init__(self) -> None:
        self.line = ProgressLine(f"train {self.name}")

    def progress(self, now: Progress) -> None:
        """Say how far it is: at each epoch's end, and on a terminal every second."""
        clock_now = time.monotonic()
        if now.row is not None:
            accuracy = now.row.minival
            self.note = f"loss {now.row.train_loss:.3f}, {now.row.seconds:.1f} s an epoch"
            if accuracy is not None:
                self.best = max(self.best, accuracy)
                self.note += f", minival {accuracy:.4f} (best {self.best:.4f})"
        sure = now.row is None and clock_now - self.started >= _SURE
        if sure and now.seconds_left is not None and not self.estimated:
            self.estimated = True
            self.say(f"takes about {clock(now.seconds_left)} more")
        step = f", step {now.step}/{now.steps}" if now.row is None else ""
        if now.row is not None or (self.line.stream.isatty() and clock_now - self.told >= 1):
            self.told, self.estimated = clock_now, True
            self.line(now.epoch, now.epochs, f"{self.note}{step}".strip(", "), now.seconds_left)

    def say(self, line: str) -> None:
        """Say what a user should know, on a line of its own."""
        self.line.end()
        _say(f"train {self.name}: {line}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
