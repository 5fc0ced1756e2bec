"""Supernet accuracy: a candidate's, with its part of the weights that all candidates share."""

import json
import random
from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch

from nas.data.dataset import Dataset, verify
from nas.defaults.conf import default
from nas.defaults.limits import MOST_THREADS
from nas.evaluators.base import AT_CHANCE, Effort, Evaluator, Measurement, ProgressReport, Report
from nas.evaluators.effort import timed_step
from nas.evaluators.identity import plain
from nas.evaluators.proxy import ProxyEvaluator
from nas.evaluators.slim import SlimEvaluator
from nas.networks.model import Network
from nas.supernet.candidate import candidate, recalibrate
from nas.supernet.file import FILE, check_store, first_difference, read_store, write_store
from nas.supernet.paths import PATHS, PathsName
from nas.supernet.population import OfSpace, Population
from nas.supernet.shared import SharedStore
from nas.supernet.slices import SHARINGS, Sharing
from nas.supernet.store import Layout, Store
from nas.supernet.train import SupernetTraining
from nas.training.allocator import freed_memory_kept
from nas.training.checkpoint import Checkpoints, EpochRow
from nas.training.devices import device_named
from nas.training.fit import chance, validate
from nas.training.outcomes import TrainingFailed
from nas.training.recipe import Recipe
from nas.training.threads import threads
from nas.training.training_recipe import left_out, proxy_part
from search_spaces.arch import Arch
from search_spaces.checks import check_count, check_one_of
from search_spaces.errors import UserError
from search_spaces.files import expanded, read_text, write_text
from search_spaces.space import Space, load_space, space_identity

_ABOUT = "supernet.json"
_BESIDE = ("recalibration", "device", "threads")
"""Settings that a supernet may be used with whatever they were when it was trained."""


@dataclass(frozen=True, kw_only=True)
class WeightSharingEvaluator(SlimEvaluator):
    """Trains one supernet, and validates each candidate with its part of the weights.

    The candidate is the slim architecture. Its batch normalisation has statistics of its own, over
    training images; its weights are never trained further.
    """

    recipe: Recipe = field(default_factory=Recipe)
    """A supernet takes the part that is a Recipe where this is a whole training's, but no `ema`."""
    epochs: int = default("evaluator/supernet", "epochs")
    paths: PathsName = default("evaluator/supernet", "paths")
    """Which candidates a step trains."""
    sharing: Sharing = default("evaluator/supernet", "sharing")
    """Which weights are whose."""
    seed: int = default("evaluator/supernet", "seed")
    """It draws the initial weights, and all that the training draws."""
    recalibration: int = default("evaluator/supernet", "recalibration")
    """Training images that a candidate's statistics of batch normalisation are of."""
    device: str = default("evaluator/supernet", "device")
    """A torch device; `auto` is CUDA where there is one."""
    threads: int = default("evaluator/supernet", "threads")
    """CPU threads of the training, and of one evaluation."""
    width: float = default("evaluator/supernet", "width")
    depth: float = default("evaluator/supernet", "depth")
    resolution: int = default("evaluator/supernet", "resolution")
    base_resolution: int = default("evaluator/supernet", "base_resolution")
    divisor: int = default("evaluator/supernet", "divisor")
    path: str | None = default("evaluator/supernet", "path")
    """A supernet of the same settings and data that is trained already."""
    checkpoint_seconds: float = default("evaluator/supernet", "checkpoint_seconds")
    """The time between two checkpoints of the training."""
    file: str | None = field(default=None, repr=False, compare=False)
    """The supernet that `prepare` trained or found."""
    weights: SharedStore | None = field(default=None, repr=False, compare=False)
    """The same as another process read it."""

    def __post_init__(self) -> None:
        self._check_least("epochs", "recalibration", "threads")
        check_count("threads", self.threads, MOST_THREADS)
        check_one_of("paths", self.paths, tuple(PATHS))
        check_one_of("sharing", self.sharing, SHARINGS)
        if not self.checkpoint_seconds >= 0:
            raise UserError(
                f"checkpoint_seconds: expected at least 0, got {self.checkpoint_seconds}"
            )
        super().__post_init__()

    @property
    @abstractmethod
    def population(self) -> Population:
        """The networks that share weights."""

    def candidate(self, arch: Arch) -> Arch:
        """Give the network that is evaluated in place of `arch`."""
        slim = self.slim(arch)
        return slim.replace(num_classes=self._num_classes(), dropout=0.0, drop_path=0.0)

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """Give the validation accuracy of `arch` with its part of the supernet's weights.

        The seed draws the images that its statistics are of. Raises UserError for a network that is
        not in the supernet, and before `prepare`.
        """
        slim = self.candidate(arch)
        with threads(self.threads):
            model, data = self.network(slim, seed), self._on_device(slim.resolution)
            accuracy = validate(model, data, data.val, self.recipe)
        note = AT_CHANCE if accuracy <= chance(data.val) else ""
        return Measurement(accuracy=accuracy, note=note)

    def network(self, slim: Arch, seed: int = 0) -> Network:
        """Give a candidate with its weights and statistics. Raises UserError as `evaluate`."""
        device = device_named(self.device, "evaluator.device")
        model = candidate(self._store(), slim)
        model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        recalibrate(model, self._on_device(slim.resolution), self.recalibration, seed)
        return model

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        """Train the supernet, from the last checkpoint where there is one, or take `path`'s.

        Raises UserError where it cannot be trained, and for one of other settings or data.
        """
        device_named(self.device, "evaluator.device")
        verify(self.data, self.resolution)
        if self._folds > 1:
            raise UserError(
                f"data.folds: expected 1, since a supernet is trained once, got {self._folds}"
            )
        about = self._about()
        given = expanded(self.path) if self.path is not None else None
        file = given or workspace / FILE
        if given is None and not file.exists():
            self._train(workspace, about, progress)
        check_store(file, about, "evaluator.path" if given else "evaluator")
        object.__setattr__(self, "file", str(file.absolute()))

    def load_data(self, key: Hashable) -> Any:
        """Read the images at a resolution, and the supernet: workers elsewhere see no file of it.

        Raises UserError for data that cannot be used.
        """
        return super().load_data(key), SharedStore.of(self._store())

    def with_data(self, data: Any) -> Self:
        """Give the same with images and supernet at hand."""
        images, weights = data
        return replace(self, shared=images, weights=weights)

    def effort(self, arch: Arch) -> Effort | None:
        """Time a step of the candidate, as many of which a step of the supernet takes as it has."""
        step = timed_step(self.candidate(arch), self.device)
        if step is None:
            return None
        data = self._dataset(self.resolution)
        candidates = len(PATHS[self.paths](self.population)(random.Random(0)).archs)
        training = self.epochs * len(data.train) * candidates * step.train
        images = min(self.recalibration, len(data.train)) + len(data.val)
        return Effort(preparation=0.0 if self.path else training, evaluation=images * step.forward)

    def describe(self) -> Mapping[str, str | int | float]:
        """Describe the supernet for the axis titles and tables that show its accuracies."""
        return {
            **self._about_data(),
            "resolution": self.resolution,
            "width": self.width,
            "depth": self.depth,
            "accuracies": f"with the weights of a supernet of {self.epochs} epochs",
        }

    def identity(self) -> Mapping[str, object]:
        """Give all that accuracies depend on but which networks there are."""
        left = ("path", "checkpoint_seconds", "file", "weights")
        known = {name: value for name, value in super().identity().items() if name not in left}
        return {**known, "recipe": plain(proxy_part(self.recipe))}

    def data_summary(self) -> str:
        """Say what was read, and what of the recipe has no part in a supernet's training."""
        unused = list(left_out(self.recipe))
        if self.recipe.ema is not None:
            unused.append(f"ema={self.recipe.ema}")
        said = [f"recipe: a supernet leaves out {', '.join(unused)}"] if unused else []
        return "\n".join([super().data_summary(), *said])

    def _about(self) -> dict[str, Any]:
        """What the weights depend on."""
        return {name: value for name, value in self.identity().items() if name not in _BESIDE}

    def _train(self, workspace: Path, about: Mapping[str, Any], progress: ProgressReport) -> None:
        _check_begun(workspace / _ABOUT, about)
        write_text(workspace / _ABOUT, json.dumps(about, indent=1, sort_keys=True) + "\n")
        device, recipe = device_named(self.device, "evaluator.device"), proxy_part(self.recipe)
        population = self.population
        layout = Layout.of(map(self.candidate, population.cover()), self.sharing)
        store = Store.fresh(
            layout,
            self.sharing,
            seed=self.seed,
            near_identity=recipe.near_identity,
            device=device,
        )
        training = SupernetTraining(
            store=store,
            paths=PATHS[self.paths](population),
            slim=self.candidate,
            images=self._kept_on_device(),
            count=len(self._dataset(self.resolution).train),
            recipe=recipe,
            epochs=self.epochs,
            seed=self.seed,
            device=device,
        )
        kept = Checkpoints(workspace)
        try:
            with threads(self.threads), freed_memory_kept():
                training.run(kept, self.checkpoint_seconds, _Told(progress))
        except TrainingFailed as error:
            raise UserError(f"evaluator: {error}") from error
        write_store(workspace / FILE, store, about)
        kept.remove()

    def _store(self) -> Store:
        if self.weights is not None:
            return self.weights.store()
        if self.file is None:
            raise UserError("evaluator: there is no supernet yet; prepare() trains it, or finds it")
        return read_store(Path(self.file))

    def _on_device(self, resolution: int) -> Dataset:
        return self._dataset(resolution).to(device_named(self.device, "evaluator.device"))

    def _kept_on_device(self) -> Callable[[int], Dataset]:
        """Give the images at a resolution, moved to the device once."""
        moved: dict[int, Dataset] = {}

        def images(resolution: int) -> Dataset:
            if resolution not in moved:
                moved[resolution] = self._on_device(resolution)
            return moved[resolution]

        return images


@dataclass(frozen=True, kw_only=True)
class SupernetEvaluator(WeightSharingEvaluator):
    """A supernet of all networks of a space."""

    space: Mapping[str, Any]
    """As `space=…` spells it."""
    scaled: Evaluator = field(default_factory=ProxyEvaluator)
    """What trains networks alone: those beyond the space, and the best of a search."""

    @cached_property
    def loaded_space(self) -> Space:
        """The space that `space` spells."""
        return load_space(self.space, "space")

    @property
    def population(self) -> Population:
        """All networks of the space."""
        return OfSpace(self.loaded_space)

    def for_scaled_networks(self) -> Evaluator:
        """Give the stand-alone training: the supernet holds the space's networks alone."""
        return self.scaled

    def stand_alone(self) -> Evaluator:
        """Give the stand-alone training: weights that a whole space shares are a compromise."""
        return self.scaled

    def identity(self) -> Mapping[str, object]:
        """Give all that accuracies depend on; of the space its networks, not its file."""
        known = {name: value for name, value in super().identity().items() if name != "scaled"}
        return {**known, "space": plain(space_identity(self.loaded_space, self.space))}


@dataclass(frozen=True, slots=True)
class _Told:
    """Tells how far the training is."""

    progress: ProgressReport

    def __call__(self, done: int, total: int, row: EpochRow) -> None:
        self.progress(done, total, f"supernet, loss {row.train_loss:.3f}")


def _check_begun(path: Path, about: Mapping[str, Any]) -> None:
    """Raise UserError where a training of another supernet was begun in the folder."""
    if not path.exists():
        return
    text = read_text(path)
    try:
        begun = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{path}: is damaged; remove {path.parent} to train anew") from None
    difference = first_difference(begun, about)
    if difference is not None:
        raise UserError(f"{path.parent}: holds another supernet: {difference}")
