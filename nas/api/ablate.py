"""`ablate` as a function: each way to grow a baseline, at equal cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.api.given import (
    Data,
    Evaluators,
    Networks,
    Recipes,
    data_option,
    file_of,
    network_of,
    settings_of,
)
from nas.api.heard import heard
from nas.defaults.conf import default, default_option
from scaling_search.rule.rule import Constants
from search_spaces.rounding import DepthRounding

if TYPE_CHECKING:
    from nas.verbs.ablate import Ablated


def ablate(
    baseline: Networks = default("ablate", "baseline"),
    data: Data = default_option("ablate", "data"),
    *,
    run: str | Path | None = None,
    ratios: Sequence[float] = (default("ablate", "ratio"),),
    constants: Constants | str | Path | None = default("ablate", "constants"),
    depth_rounding: DepthRounding = default("ablate", "depth_rounding"),
    train: bool = default("ablate", "train"),
    seeds: int = default("ablate", "seeds"),
    seed: int = default("ablate", "seed"),
    evaluator: Evaluators = default_option("ablate", "evaluator"),
    recipe: Recipes = default_option("ablate", "recipe"),
    executor: str = default_option("ablate", "executor"),
    ray: Mapping[str, Any] | None = None,
    workers: int | None = default("ablate", "workers"),
    num_classes: int | None = default("ablate", "num_classes"),
    progress: bool = False,
) -> "Ablated":
    """Grow a baseline in each dimension alone and in all together, to `ratios` times its MACs.

    With `train` the result says how accurate each network is, and what ties with the best. All
    else is as in `sweep` and `scale`.
    """
    network, reference = network_of(baseline, "baseline")
    named = constants.named() if isinstance(constants, Constants) else {"constants": constants}
    config = settings_of(
        "ablate",
        {
            "data": data_option(data),
            "evaluator": evaluator,
            "recipe": recipe,
            "executor": executor,
            "ray": {} if ray is None else ray,
        },
        {
            **named,
            "baseline": reference,
            "run": run,
            "ratios": list(ratios),
            "depth_rounding": depth_rounding,
            "train": train,
            "seeds": seeds,
            "seed": seed,
            "workers": workers,
            "num_classes": num_classes,
        },
    )

    from nas.verbs.ablate import ablated  # brings NumPy

    with heard(progress):
        return ablated(network, file_of(baseline), config, Path(config["run"]))
