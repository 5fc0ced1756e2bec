"""`nas-search ablate`: each dimension grown alone against all together, at equal cost.

With `parts`, it is recipe, architecture and scaling that are taken apart.
"""

from pathlib import Path

from nas.verbs.ablate import ablated
from nas.verbs.ablate_parts import take_apart
from nas.verbs.config import Config
from search_spaces.yaml_io import load_arch


def main(config: Config) -> None:
    """Write `ablation/depth_x4.yaml` … and `ablation.csv` into the run folder; print the table.

    With `parts`, they are `parts.csv` and `effects.csv`.
    """
    file, run = str(config["baseline"]), Path(config["run"])
    if config["parts"] is None:
        print(ablated(load_arch(file), file, config, run))
    else:
        print(take_apart(load_arch(file), config, run))
