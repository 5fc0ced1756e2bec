"""`nas-search search`: find a baseline."""

from pathlib import Path

from nas.verbs.config import Config
from nas.verbs.search import search, summary, validated_on


def main(config: Config) -> None:
    """Search, or go on with a search, in the run folder; print the baseline."""
    run = Path(config["run"])
    found = search(config, run)
    print(summary(found, run, validated_on(run)))
