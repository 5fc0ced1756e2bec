"""`nas-search cost`: what networks cost, without building them."""

from nas.config import Config
from nas.networks.cost import cost
from nas.tables import table
from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch


def main(config: Config) -> None:
    """Print a row for each network."""
    references = config["networks"]
    if not isinstance(references, list) or not references:
        raise UserError("networks: expected zoo names or YAML files: nas-search cost b3.yaml")
    rows = []
    for reference in references:
        arch = load_arch(str(reference))
        price = cost(arch)
        rows.append(
            (
                reference,
                arch.resolution,
                f"{price.params:,}",
                f"{price.macs:,}",
                f"{price.activations:,}",
                arch.key(),
            )
        )
    print(table(("network", "resolution", "params", "MACs", "activations", "key"), rows))
