"""The cost that a command's rewards weigh accuracy against."""

from nas.cli.config import Config, make
from nas.searches.pricing import CostMetric


def price(config: Config) -> CostMetric:
    """The metric of the configuration's `cost`, whose target is the reward's default."""
    fields = {name: value for name, value in config["cost"].items() if name != "target"}
    made: CostMetric = make(fields, "cost", CostMetric)
    return made
