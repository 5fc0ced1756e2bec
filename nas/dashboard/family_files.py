"""The files of a family as a data frame: what each member costs, and is expected to reach."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from nas.dashboard import theme
from nas.dashboard.growth_rule import GrowthRule
from nas.networks.cost import cost
from search_spaces.yaml_io import load_arch, read_about

FAMILY_NUMBERS = ("phi", "nominal_ratio", "realised_ratio")
"""Beside the multipliers of the run's rule."""
FORECAST_NUMBERS = ("forecast", "forecast_low", "forecast_high", "forecast_gain")
"""The accuracy that a member is expected to have, its 95 % interval, and what it adds to the member
before it; fractions."""
FAMILY_COLUMNS = (
    *("name", "file", "pixels", "blocks", "params", "macs"),
    *("extrapolated", "target", "limited"),
)
"""`target` is the cost that was asked for with its unit, and `limited` the limits that changed a
member; both are empty where there are none."""


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
            | {"target": _target(about), "limited": str(about.get("limited") or "")}
            | _forecast(about.get("forecast"))
        )
    numbers = [*said, *FORECAST_NUMBERS]
    family = pd.DataFrame(rows, columns=[*FAMILY_COLUMNS, *numbers])
    for name in numbers:
        family[name] = pd.to_numeric(family[name], errors="coerce")
    return family.sort_values(["macs", "name"], kind="stable", ignore_index=True)


def _target(about: Mapping[str, Any]) -> str:
    """The cost that a member was asked for, and by how much it misses it: `600 M MACs (+1.2 %)`."""
    target, missed = about.get("target"), about.get("difference")
    if not isinstance(target, int | float) or isinstance(target, bool):
        return ""
    by = f" ({100 * missed:+.1f} %)" if isinstance(missed, int | float) else ""
    return f"{theme.count(target)} {about.get('unit') or ''}".strip() + by


def _forecast(said: object) -> dict[str, Any]:
    """What a member's file says it is expected to reach; absent values None."""
    forecast = said if isinstance(said, Mapping) else {}
    ends = forecast.get("interval")
    low, high = ends if isinstance(ends, list) and len(ends) == 2 else (None, None)
    figures = (forecast.get("accuracy"), low, high, forecast.get("gain"))
    return {
        **dict(zip(FORECAST_NUMBERS, figures, strict=True)),
        "extrapolated": forecast.get("extrapolates") is True,
    }
