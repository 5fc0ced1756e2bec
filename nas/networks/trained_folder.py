"""A trained network as the folder that a training leaves, of weights that came another way."""

from pathlib import Path

from nas.networks.card import model_card
from nas.networks.model import Network
from nas.networks.trained import WEIGHTS, Card, save_trained
from search_spaces.files import subfolder, write_text
from search_spaces.yaml_io import write_arch

NETWORK = "network.yaml"
"""The file, in such a folder, that describes the network."""


def write_trained_folder(model: Network, card: Card, folder: Path) -> None:
    """Write weights.safetensors, network.yaml and README.md into `folder`, made where missing."""
    subfolder(folder.parent, folder.name)
    write_arch(card.arch, folder / NETWORK, {"classes": list(card.classes)})
    write_text(folder / "README.md", model_card(card))
    save_trained(model, card, folder / WEIGHTS)
