"""`nas-search train`: networks trained whole, and what they are worth on the test images."""

from pathlib import Path

from nas.cli.config import Config
from nas.cli.live_page import with_live_page
from nas.cli.trained_table import trained_table
from nas.cli.whole_trainings import FOLDER, trained


@with_live_page
def main(config: Config) -> None:
    """Train each network, or go on with its training; print what they are worth."""
    run = Path(config["run"])
    cards = trained(config, run)
    if cards:
        print(trained_table(cards, run / FOLDER))
