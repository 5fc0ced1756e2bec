"""The files of a family as a data frame: what each member is, and costs."""

from pathlib import Path

import pandas as pd

from nas.dashboard.growth_rule import GrowthRule
from nas.networks.cost import cost
from search_spaces.yaml_io import load_arch, read_about

FAMILY_NUMBERS = ("phi", "nominal_ratio", "realised_ratio")
"""Beside the multipliers of the run's rule."""
FAMILY_COLUMNS = ("name", "file", "pixels", "blocks", "params", "macs")


def read_family(folder: Path, rule: GrowthRule) -> pd.DataFrame:
    """One row a network, smallest first; absent values NaN.

    Raises UserError for a file that describes no network.
    """
    rows, said = [], (*FAMILY_NUMBERS, *rule.multiplied)
    for path in sorted(folder.glob("*.yaml")):
        arch, about = load_arch(str(path)), read_about(path)
        price = cost(arch)
        rows.append(
            {name: about.get(name) for name in said}
            | {"name": path.stem.upper(), "file": f"family/{path.name}"}
            | {"pixels": arch.resolution, "blocks": sum(stage.repeats for stage in arch.stages)}
            | {"params": price.params, "macs": price.macs}
        )
    family = pd.DataFrame(rows, columns=[*FAMILY_COLUMNS, *said])
    for name in said:
        family[name] = pd.to_numeric(family[name], errors="coerce")
    return family.sort_values(["macs", "name"], kind="stable", ignore_index=True)
