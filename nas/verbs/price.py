"""The cost that a command's rewards weigh accuracy against."""

from collections.abc import Mapping

from nas.searches.pricing import CostMetric
from nas.verbs.config import Config, make


def price(config: Config) -> CostMetric:
    """The metric of the configuration's `cost`, whose target is the reward's default."""
    node = config["cost"]
    if isinstance(node, Mapping):
        node = {name: value for name, value in node.items() if name != "target"}
    made: CostMetric = make(node, "cost", CostMetric)
    return made
