"""`train` as a function: a network is trained whole, or its training goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.api.given import Data, Networks, Recipes, data_option, settings_of
from nas.api.heard import heard
from nas.defaults.conf import default, default_option
from nas.verbs.trained_table import trained_table
from nas.verbs.whole_trainings import FOLDER, asked_network, asked_networks, trained
from search_spaces.arch import Arch

if TYPE_CHECKING:
    from nas.networks.model import Network
    from nas.networks.tested import Accuracy, Tested
    from nas.networks.trained import Card


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A network that was trained whole; its weights lie in `folder`."""

    folder: Path
    card: "Card"
    """What its weights are of: the network, the classes, the recipe, the figures."""

    @property
    def model(self) -> "Network":
        """The PyTorch module with its weights, ready for inference."""
        from nas.networks.trained import load_trained

        return load_trained(self.folder)[0]

    @property
    def accuracy(self) -> "Accuracy | None":
        """What the data's networks are judged by, on the test images, and its 95 % interval.

        None where the data have no test images.
        """
        return self.card.worth

    @property
    def test(self) -> "Tested | None":
        """All figures on the test images."""
        return self.card.test

    def __str__(self) -> str:
        return trained_table({self.folder.name: self.card}, self.folder.parent)


def train(
    network: Networks,
    data: Data = default_option("train", "data"),
    *,
    run: str | Path | None = None,
    recipe: Recipes = default_option("train", "recipe"),
    name: str | None = default("train", "name"),
    weights: str | Path | None = default("train", "weights"),
    inherit: str | Path | None = default("train", "inherit"),
    seed: int = default("train", "seed"),
    resolution: int | None = default("train", "resolution"),
    device: str = default("train", "device"),
    threads: int | None = default("train", "threads"),
    loader_workers: int | None = default("train", "loader_workers"),
    checkpoint_seconds: float = default("train", "checkpoint_seconds"),
    executor: str = default_option("train", "executor"),
    ray: Mapping[str, Any] | None = None,
    max_failures: int = default("train", "max_failures"),
    progress: bool = False,
) -> TrainedNetwork:
    """Train a network, or go on with its training, and say how accurate it is on the test images.

    A network of the family in the run folder is trained as that member: by its name and φ, at the
    pixels that the data are worth. `run` is the folder that the network's file lies in, or
    `results/NAME` of the network, when it is None; the weights go to its `trained/NAME/`. All else
    is as in `search`. Raises CommandFailed where the training fails.
    """
    config = settings_of(
        "train",
        {
            "data": data_option(data),
            "recipe": recipe,
            "executor": executor,
            "ray": {} if ray is None else ray,
        },
        {
            "network": network.name if isinstance(network, Arch) else str(network),
            "run": run,
            "name": name,
            "weights": weights,
            "inherit": inherit,
            "seed": seed,
            "resolution": resolution,
            "device": device,
            "threads": threads,
            "loader_workers": loader_workers,
            "checkpoint_seconds": checkpoint_seconds,
            "max_failures": max_failures,
        },
    )
    folder = Path(config["run"])
    if isinstance(network, Arch):
        asked = asked_network(network, config, folder)
    else:
        (asked,) = asked_networks(config, folder)
    place = folder / FOLDER / asked.name
    with heard(progress):
        cards = trained([asked], config, folder)
    return TrainedNetwork(place, cards[asked.name] if cards else _card(place))


def _card(place: Path) -> "Card":
    """What one of several processes gives that is not the first."""
    from nas.networks.trained import read_card

    return read_card(place)
