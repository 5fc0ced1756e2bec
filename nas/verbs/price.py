"""The cost that a command's rewards weigh accuracy against."""

from nas.searches.pricing import CostMetric
from nas.verbs.config import Config, make


def price(config: Config) -> CostMetric:
    """The metric of the configuration's `cost`, whose target is the reward's default."""
    fields = {name: value for name, value in config["cost"].items() if name != "target"}
    made: CostMetric = make(fields, "cost", CostMetric)
    return made
