"""A baseline and its scaling rule become a family: B0 … B7, each a complete YAML file.

Imports no framework: the whole family takes a fraction of a second.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.networks.cost import Cost, cost
from nas.runs.generated import write_folder
from scaling_search.rule.compound import PUBLISHED, Constants, Multipliers
from search_spaces.arch import Arch
from search_spaces.errors import UserError, shown
from search_spaces.files import read_text
from search_spaces.rounding import DepthRounding
from search_spaces.yaml_io import arch_to_yaml
from search_spaces.yaml_text import load_yaml

PHIS: tuple[float, ...] = (0.5, 1.0, 2.0, 3.5, 5.0, 6.0, 7.0)
"""φ of B1 … B7, as usually named for the published family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One network of a family, and how it came about."""

    name: str
    """`b3`; also the name of its file."""
    arch: Arch
    phi: float
    multipliers: Multipliers
    """Before rounding."""
    constants: Constants | None
    """None for the published rows, which follow no constants."""
    cost: Cost
    baseline: Arch
    baseline_cost: Cost

    @property
    def realised_ratio(self) -> float:
        """MACs over the baseline's."""
        return self.cost.macs / self.baseline_cost.macs

    def about(self) -> dict[str, Any]:
        """What its file says of where it came from."""
        constants = self.constants
        named = (
            {"alpha": constants.alpha, "beta": constants.beta, "gamma": constants.gamma}
            if constants
            else {}
        )
        return {
            "source": "formula" if constants else "published",
            "phi": self.phi,
            **named,
            "depth": round(self.multipliers.depth, 6),
            "width": round(self.multipliers.width, 6),
            "resolution": round(self.multipliers.resolution, 6),
            "realised_depth": round(_layers(self.arch) / _layers(self.baseline), 6),
            "realised_width": round(_channels(self.arch) / _channels(self.baseline), 6),
            "realised_resolution": round(self.arch.resolution / self.baseline.resolution, 6),
            "params": self.cost.params,
            "macs": self.cost.macs,
            "nominal_ratio": round(self.multipliers.nominal_ratio(), 6),
            "realised_ratio": round(self.realised_ratio, 6),
        }


def published_family(baseline: Arch) -> tuple[Member, ...]:
    """The eight published rows applied to any baseline; to EfficientNet-B0, its B0 … B7.

    The rows' pixels and dropout are for a baseline with 224 and 0.2, and scale with its own.
    """
    unit = cost(baseline)
    members = []
    for row in PUBLISHED:
        arch = row.multipliers().apply(baseline)
        dropout = min(1.0, round(baseline.dropout * row.dropout / 0.2, 6))
        arch = arch.replace(name=_named(baseline, row.name), dropout=dropout)
        members.append(
            Member(
                name=row.name,
                arch=arch,
                phi=row.phi,
                multipliers=row.multipliers(),
                constants=None,
                cost=cost(arch),
                baseline=baseline,
                baseline_cost=unit,
            )
        )
    return tuple(members)


def formula_family(
    baseline: Arch,
    constants: Constants,
    phis: Sequence[float] = PHIS,
    depth_rounding: DepthRounding = "ceil",
) -> tuple[Member, ...]:
    """B0, the baseline itself, and a network for each φ, ascending.

    Those above the baseline are b1, b2, …; those of negative φ, smaller than it, b-1, b-2, ….
    Raises UserError for a φ given twice and where a network shrinks to nothing.
    """
    given = [float(phi) for phi in phis]
    if len(set(given)) < len(given):
        raise UserError(f"phis: expected each φ once, got {', '.join(map('{:g}'.format, given))}")
    ordered = sorted({0.0, *given})
    unit = cost(baseline)
    members = []
    for phi in ordered:
        name = f"b{ordered.index(phi) - ordered.index(0.0)}"
        try:
            multipliers = constants.multipliers(phi)
            grown = multipliers.apply(baseline, depth_rounding)
        except UserError as error:
            raise error.under(f"phis: {phi:g}: ") from None
        arch = grown.replace(
            name=_named(baseline, name), dropout=scaled_dropout(baseline.dropout, phi)
        )
        members.append(
            Member(
                name=name,
                arch=arch,
                phi=phi,
                multipliers=multipliers,
                constants=constants,
                cost=cost(arch),
                baseline=baseline,
                baseline_cost=unit,
            )
        )
    return tuple(members)


def scaled_dropout(dropout: float, phi: float) -> float:
    """Dropout growing linearly with φ, as from 0.2 for B0 to 0.5 for B7 at φ = 7 (§5.2).

    In proportion to the baseline's own, so that none stays none; from 0 to at most 0.5 or the
    baseline's, if that is higher.
    """
    grown = dropout * (1 + 1.5 * phi / 7)
    return round(min(max(grown, 0.0), max(dropout, 0.5)), 6)


def write_family(
    members: Sequence[Member], run: str | Path, classes: Sequence[str] = ()
) -> tuple[Path, ...]:
    """Write each member as `run/family/bN.yaml`, with its `about` and the names of its classes.

    What an earlier, larger family left there is removed, and nothing else.
    """
    named = {"classes": list(classes)} if classes else {}
    texts = {
        f"{each.name}.yaml": arch_to_yaml(each.arch, {**each.about(), **named}) for each in members
    }
    return write_folder(Path(run), "family", texts)


def read_constants(path: str | Path) -> Constants:
    """α, β, γ from a `constants.yaml` that a sweep wrote, or a file with just these three.

    Raises UserError where the file is missing or lacks one of them.
    """
    data = load_yaml(read_text(os.path.expanduser(path)), str(path))
    if not isinstance(data, Mapping):
        raise UserError(f"{path}: expected a mapping with alpha, beta and gamma")
    values = [_number(path, name, data.get(name)) for name in ("alpha", "beta", "gamma")]
    try:
        return Constants(*values)
    except UserError as error:
        raise error.under(f"{path}: ") from None


def _number(path: str | Path, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{path}: {name}: expected a number, got {shown(value)}")
    return float(value)


def _named(baseline: Arch, name: str) -> str:
    stem = baseline.name
    for suffix in ("_b0", "-b0", "b0", "baseline"):
        stem = stem.removesuffix(suffix)
    return f"{stem.rstrip('_-')}_{name}".lstrip("_")


def _layers(arch: Arch) -> int:
    return sum(stage.repeats for stage in arch.stages)


def _channels(arch: Arch) -> int:
    return sum(stage.channels for stage in arch.stages)
