"""`nas-search fetch`: download a published table of accuracies, and check that it is the one."""

from nas.verbs.config import Config
from nas.verbs.fetch import fetched


def main(config: Config) -> None:
    """Print where the file is."""
    print(fetched(config))
