"""Training from other weights: the start, what is frozen, learning rates that fall with depth."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from nas.networks.inherit import inherit
from nas.networks.model import Network
from nas.networks.trained import load_trained
from nas.networks.weights import load_weights
from nas.training.training_recipe import TrainingRecipe
from nas.training.update import BATCH_NORMS, RATE
from search_spaces.errors import told_under

_log = logging.getLogger(__name__)


class Start(Protocol):
    """What a network begins as, in place of new weights."""

    def begin(self, model: Network) -> str:
        """Fill the model, and give what a user should know of it; "" for nothing.

        Raises UserError for weights that do not fit.
        """
        ...

    def absolute(self) -> "Start":
        """The same, for processes that stand in other folders."""
        ...


@dataclass(frozen=True, slots=True)
class FromWeights:
    """A file's weights, all but a classifier of other classes. Leaving that out is a warning."""

    path: Path
    same_classes: bool | None
    """Whether the file's classes are the model's; None where it does not say, and their number
    tells."""

    def begin(self, model: Network) -> str:
        with told_under("weights: "):
            load_weights(model, self.path, swap_classifier=True)
        if self.same_classes is False:
            model.reset_classifier(model.num_classes)
            _log.warning("%s: its classes are others; a new classifier starts untrained", self.path)
        return ""

    def absolute(self) -> "FromWeights":
        """The same, for processes that stand in other folders."""
        return replace(self, path=self.path.absolute())


@dataclass(frozen=True, slots=True)
class FromNetwork:
    """Whatever a smaller or a larger trained network has of the model."""

    path: Path
    same_classes: bool

    def begin(self, model: Network) -> str:
        with told_under("inherit: "):
            source, _ = load_trained(self.path)
            found = inherit(model, source)
        if not self.same_classes:
            model.reset_classifier(model.num_classes)
            return f"{found}; its classes are others, and the classifier is new"
        return str(found)

    def absolute(self) -> "FromNetwork":
        """The same, for processes that stand in other folders."""
        return replace(self, path=self.path.absolute())


def set_trained(model: Network, recipe: TrainingRecipe, epoch: int) -> None:
    """Put the model into training, but for what the recipe freezes in that epoch.

    What is frozen keeps its parameters and running statistics, and drops nothing.
    """
    frozen = epoch < recipe.freeze_epochs
    model.train(not frozen)
    model.requires_grad_(not frozen)
    model.classifier.train().requires_grad_(True)
    if recipe.freeze_batch_norm:
        for layer in model.modules():
            if isinstance(layer, BATCH_NORMS):
                layer.eval().requires_grad_(False)


def layer_groups(model: Network, recipe: TrainingRecipe) -> list[dict[str, Any]]:
    """Groups of parameters, each with its weight decay and its share of the learning rate.

    The head has all of the rate, and what lies `n` blocks before it `layer_decay` ** (n + 1).
    Biases and normalisation have no weight decay.
    """
    decay = 1.0 if recipe.layer_decay is None else recipe.layer_decay
    groups: list[dict[str, Any]] = []
    for depth, parameters in enumerate(reversed(list(_layers(model)))):
        for decays in (True, False):
            chosen = [each for each in parameters if (each.ndim > 1) == decays]
            if chosen:
                weight_decay = recipe.weight_decay if decays else 0.0
                groups.append({"params": chosen, "weight_decay": weight_decay, RATE: decay**depth})
    return groups


def _layers(model: Network) -> Iterator[list[nn.Parameter]]:
    """The parameters of the stem, of each block and of the head, in this order."""
    blocks = [list(module.parameters()) for _, module in model.named_blocks()]
    stem, head = [], []
    for name, parameter in model.named_parameters():
        if name.startswith(("conv_stem", "bn1", "norm1")):
            stem.append(parameter)
        elif not name.startswith("blocks."):
            head.append(parameter)
    yield from (stem, *blocks, head)
