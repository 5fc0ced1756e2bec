"""`nas-search zoo`: the published networks that can be named wherever a network is asked for."""

from nas.networks.cost import cost
from nas.verbs.columns import table
from nas.verbs.config import Config
from search_spaces.zoo import ZOO


def main(config: Config) -> None:
    """Print a row for each network."""
    rows = []
    for name, arch in ZOO.items():
        price = cost(arch)
        rows.append(
            (
                name,
                arch.resolution,
                sum(stage.repeats for stage in arch.stages),
                f"{price.params:,}",
                f"{price.macs:,}",
                f"{price.activations:,}",
            )
        )
    print(table(("network", "resolution", "blocks", "params", "MACs", "activations"), rows))
