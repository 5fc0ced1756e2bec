"""`nas-search evaluate`: how good a trained network is on a split of the data."""

from nas.verbs.config import Config
from nas.verbs.evaluate import evaluated, figures_folder
from nas.verbs.evaluation_report import printed, write


def main(config: Config) -> None:
    """Print the metrics of a network on a split, and write them beside its weights."""
    folder = figures_folder(config)
    found = evaluated(config)
    print(printed(found))
    folder.mkdir(parents=True, exist_ok=True)
    print("\n".join(f"written to {path}" for path in write(found, folder)))
