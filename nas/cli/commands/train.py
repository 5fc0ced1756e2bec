"""`nas-search train`: networks trained whole, and what they are worth on the test images."""

from pathlib import Path

from nas.verbs.config import Config
from nas.verbs.trained_table import trained_table
from nas.verbs.whole_trainings import FOLDER, asked_networks, trained


def main(config: Config) -> None:
    """Train each network, or go on with its training; print what they are worth."""
    run = Path(config["run"])
    cards = trained(asked_networks(config, run), config, run)
    if cards:
        print(trained_table(cards, run / FOLDER))
