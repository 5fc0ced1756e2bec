"""Whole trainings in a command: planned, told about, kept in the run folder, done once."""

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch

from nas.data.dataset import digest_of_test, identity, metric_of, splits, splitting
from nas.data.loader import batches, is_lost_worker
from nas.data.names import counted, shown
from nas.data.report import training_report
from nas.data.sources import Source
from nas.data.training_splits import TrainingSplits, colours, training_splits
from nas.networks.cost import cost
from nas.networks.trained import WEIGHTS, Card, OfSupernet, read_card, weights_in
from nas.runs.folder import RunFolder, RunStage
from nas.statistics.metrics import METRICS
from nas.training.checkpoint import Checkpoints
from nas.training.outcomes import TrainingFailed
from nas.training.plan import Plan
from nas.training.processes import ToldByFirst, check_group
from nas.training.recipe import Recipe
from nas.training.training_recipe import TrainingRecipe, as_trained, of_member
from nas.training.transfer import FromNetwork, FromWeights
from nas.verbs.config import Config, make
from nas.verbs.cores import loader_workers, torch_threads
from nas.verbs.same_data import check_same_data
from nas.verbs.training_crew import Crew
from nas.verbs.training_watch import say, watching
from search_spaces.arch import Arch
from search_spaces.errors import CommandFailed, UserError, told_under
from search_spaces.files import kept_if_filled

_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Start:
    """Weights that trainings start from, as they are or as far as a network has them."""

    setting: str
    """`weights`, or `inherit` for those of a smaller or larger network."""
    given: str
    path: Path
    digest: str
    card: Card | None
    """What they are of; None where they do not say."""

    @classmethod
    def of(cls, weights: str | None, inherited: str | None = None) -> Self | None:
        """What settings ask for; None for new weights. Raises UserError for what is not there."""
        if weights is not None and inherited is not None:
            raise UserError("inherit: expected null where weights are given, or the other way")
        if inherited is not None:
            return cls._at("inherit", inherited)
        return None if weights is None else cls._at("weights", weights)

    @classmethod
    def _at(cls, setting: str, given: str) -> Self:
        """The weights in a file, in the folder that a training left, or on the hub."""
        with told_under(f"{setting}: "):
            path = weights_in(given)
        if not path.is_file():
            raise UserError(f"{setting}: {path}: no such file")
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        try:
            card = read_card(path)
        except OfSupernet as error:
            raise error.under(f"{setting}: ") from None
        except UserError as error:
            if setting == "inherit":  # of what network they are, nothing else says
                raise error.under("inherit: ") from None
            card = None  # weights of somebody else's, which load as far as they fit
        return cls(setting, given, path, digest.hexdigest()[:16], card)

    @property
    def identity(self) -> str:
        """What records of a training that began so depend on."""
        return self.digest if self.setting == "weights" else f"{self.setting} {self.digest}"

    def beginning(self, classes: tuple[str, ...]) -> FromWeights | FromNetwork:
        """What a network of these classes begins as."""
        same = None if self.card is None else tuple(self.card.classes) == classes
        if self.setting == "inherit":
            return FromNetwork(self.path, same_classes=bool(same))
        return FromWeights(self.path, same)


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
    crew: Crew
    start: Start | None

    @classmethod
    def of(cls, config: Config, run: Path, crew: Crew) -> Self:
        """The trainings that the settings ask for. Raises UserError, with nothing written."""
        recipe = recipe_of(config)
        if not config["checkpoint_seconds"] >= 0:
            raise UserError("checkpoint_seconds: expected at least 0")
        start = Start.of(config["weights"], config["inherit"])
        source: Source = make(config["data"], "data", Source)
        opened = splits(source)
        said = {"dataset": source.name, "data digest": identity(source)["digest"]}
        check_same_data(run, said)
        found = training_splits(opened, recipe.minival, getattr(source, "seed", 0))
        batch = len(found.train) // batches(len(found.train), recipe.batch_size)
        check_group(crew.processes, batch, recipe.sync_batch_norm, crew.device)
        return cls(
            config=config,
            folder=RunFolder(run),
            recipe=recipe,
            source=source,
            splits=found,
            classes=opened.classes,
            crew=crew,
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
            "metric": metric_of(self.source),
            "start": "" if self.start is None else self.start.identity,
            "data": {**splitting(self.source), **identity(self.source)},
            "about": {"network": arch.name, "dataset": self.source.name},
        }
        kept = Checkpoints(place)
        stage = RunStage(
            name=f"training of {name}",
            made_with=made_with,
            recorded=lambda: (place / WEIGHTS).exists() or kept.there(),
            records=str(place),
            # Members are called as the family calls them.
            remedy="" if self.config["network"] is None else "folder with run=…, another name=…",
        )
        group = self.crew.group
        with contextlib.ExitStack() as stack:

            def begin() -> Card | None:
                stack.enter_context(self.folder.stage(stage))
                trained = stack.enter_context(kept_if_filled(self.folder.path, "trained"))
                stack.enter_context(kept_if_filled(trained, name))
                if not (place / WEIGHTS).exists():
                    return None
                card = read_card(place / WEIGHTS)
                kept.remove()
                self._say(f"{name}: trained already, in {place}; nothing is left to do")
                return card

            # Process 0 holds the folder, for all.
            done = group.shared(begin)
            if done is not None:
                return done
            self._check_same(made_with)
            if group.ranks > 1:
                self._say(f"{group.ranks} processes train together")
            plan = self._plan(arch, recipe, phi)
            self._say(described(plan, place))
            try:
                with watching(name, recipe.epochs, group.rank) as watch:
                    return self.crew.train(plan, place, watch)
            except TrainingFailed as error:
                if group.rank > 0:  # it failed in all of them
                    raise ToldByFirst(str(error)) from None
                raise CommandFailed(f"{name}: {error}") from None
            except RuntimeError as error:
                if not is_lost_worker(error):
                    raise
                raise CommandFailed(
                    "a process that loads images was lost, most likely for want of memory: "
                    "loader_workers, or recipe.batch_size, below what they are need less"
                ) from None

    def _check_same(self, made_with: Mapping[str, Any]) -> None:
        """Raises UserError, in all processes, where one of them has other data or weights."""
        group = self.crew.group
        differs = group.shared(lambda: made_with) != made_with
        if group.total(torch.tensor(float(differs))) > 0:
            raise UserError(
                "data: other images or weights lie there for one process than for another; "
                "expected the same on every machine"
            )

    def _say(self, line: str) -> None:
        if self.crew.group.rank == 0:
            say(line)

    def _plan(self, arch: Arch, recipe: TrainingRecipe, phi: float) -> Plan:
        card = None if self.start is None else self.start.card
        mean, std, summary = colours(self.splits.train, arch.resolution)
        found, opened = self.splits, splits(self.source)
        self._say(training_report(opened, found.train, found.minival, found.test, summary))
        for note in found.notes:
            self._say(f"data: {note}")
        # Weights know images normalised as they were when they were learnt.
        mean, std = (card.mean, card.std) if card else (mean, std)
        device, cores = self.crew.device, self.crew.cores
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
            device=device,
            metric=metric_of(self.source),
            phi=phi,
            start=None if self.start is None else self.start.beginning(self.classes),
            start_name="" if self.start is None else self.start.given,
            threads=torch_threads(self.config, cores),
            workers=loader_workers(self.config, device, cores),
            memory=self.source.memory,
            checkpoint_seconds=self.config["checkpoint_seconds"],
        )
        return plan


def described(plan: Plan, place: Path) -> str:
    """What a training is going to do, and where its network goes, in a line."""
    price, recipe, found = cost(plan.arch), plan.recipe, plan.splits
    held = (
        "the last epoch counts"
        if found.minival is None
        else (f"{len(found.minival):,} held-out images choose the epoch by {METRICS[plan.metric]}")
    )
    policy = "" if recipe.policy == "none" else f", {recipe.policy}"
    member = ", ".join(f"{name} {value:g}" for name, value in plan.regularised().items())
    start = f" from {plan.start_name}" if plan.start_name else ""
    fewest, most = plan.smallest_batch, plan.batch_size
    sizes = f"{most}" if fewest == most else f"{fewest} or {most}"
    return (
        f"train {plan.arch.name}{start}: {price.params:,} parameters, {price.macs:,} MACs at "
        f"{plan.arch.resolution} px; {counted(recipe.epochs, 'epoch')} of "
        f"{counted(len(found.train), 'image')} in batches of {sizes}, "
        f"{recipe.optimizer}{policy}, {member}; {held}; "
        f"{len(found.test):,} test images are read at the end; on {plan.device}, "
        f"into {shown(place)}"
    )
