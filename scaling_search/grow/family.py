"""A baseline and its scaling rule become a family: B0 … B7, each a complete YAML file.

Imports no framework: the whole family takes a fraction of a second.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nas.networks.cost import cost
from nas.runs.generated import write_folder
from scaling_search.grow.grown import Grown, macs_ratio
from scaling_search.rule.compound import COMPOUND, PUBLISHED
from scaling_search.rule.rule import Constants, Multipliers, Rule
from search_spaces.arch import Arch
from search_spaces.errors import UserError, shown
from search_spaces.files import read_text
from search_spaces.rounding import DepthRounding
from search_spaces.yaml_io import arch_to_yaml
from search_spaces.yaml_text import load_yaml

PHIS: tuple[float, ...] = (0.5, 1.0, 2.0, 3.5, 5.0, 6.0, 7.0)
"""φ of B1 … B7, as usually named for the published family."""


FOUND = (
    *("verdict", "phi", "depth_rounding", "cost", "strategy", "target_ratio", "band", "best"),
    *("ties", "noise", "trainings_to_decide", "estimate", "turn", "candidates"),
    *("failed_trainings", "evaluator"),
)
"""What a sweep's `constants.yaml` says of the constants, beside them."""


def published_family(baseline: Arch) -> tuple[Grown, ...]:
    """The eight published rows applied to any baseline; to EfficientNet-B0, its B0 … B7.

    The rows' pixels and dropout are for a baseline with 224 and 0.2, and scale with its own.
    """
    members = []
    for row in PUBLISHED:
        multipliers = row.multipliers()
        arch = multipliers.apply(baseline)
        dropout = min(1.0, round(baseline.dropout * row.dropout / 0.2, 6))
        members.append(_member(row.name, arch, baseline, multipliers, None, row.phi, dropout))
    return tuple(members)


def formula_family(
    baseline: Arch,
    constants: Constants,
    phis: Sequence[float] = PHIS,
    depth_rounding: DepthRounding = "ceil",
) -> tuple[Grown, ...]:
    """B0, the baseline itself, and a network for each φ, ascending.

    Those above the baseline are b1, b2, …; those of negative φ, smaller than it, b-1, b-2, ….
    Raises UserError as `check_phis` does, for constants of which none is above 1, and where a
    network shrinks to nothing.
    """
    check_phis(phis)
    constants.check_growth()
    ordered = sorted({0.0, *map(float, phis)})
    members = []
    for phi in ordered:
        name = f"b{ordered.index(phi) - ordered.index(0.0)}"
        try:
            multipliers = constants.multipliers(phi)
            arch = multipliers.apply(baseline, depth_rounding)
        except UserError as error:
            raise error.under(f"phis: {phi:g}: ") from None
        dropout = scaled_dropout(baseline.dropout, phi)
        members.append(_member(name, arch, baseline, multipliers, constants, phi, dropout))
    return tuple(members)


def check_phis(phis: Sequence[float]) -> None:
    """Raises UserError for a φ given twice, and where no network but the baseline is asked for."""
    given = [float(phi) for phi in phis]
    if not any(given):
        raise UserError(f"phis: expected at least one φ other than 0, got {list(phis)}")
    if len(set(given)) < len(given):
        raise UserError(f"phis: expected each φ once, got {', '.join(map('{:g}'.format, given))}")


def scaled_dropout(dropout: float, phi: float) -> float:
    """Dropout growing linearly with φ, as from 0.2 for B0 to 0.5 for B7 at φ = 7 (§5.2).

    In proportion to the baseline's own, so that none stays none; from 0 to at most 0.5 or the
    baseline's, if that is higher.
    """
    grown = dropout * (1 + 1.5 * phi / 7)
    return round(min(max(grown, 0.0), max(dropout, 0.5)), 6)


def write_family(
    members: Sequence[Grown], run: str | Path, classes: Sequence[str] = ()
) -> tuple[Path, ...]:
    """Write each member as `run/family/bN.yaml`, with its `about` and the names of its classes.

    What an earlier, larger family left there is removed, and nothing else.
    """
    named = {"classes": list(classes)} if classes else {}
    texts = {
        f"{each.label}.yaml": arch_to_yaml(each.arch, {**about(each), **named}) for each in members
    }
    return write_folder(Path(run), "family", texts)


def about(member: Grown) -> dict[str, Any]:
    """What a member's file says of where it came from."""
    return {
        "source": "formula" if member.constants else "published",
        "phi": member.phi,
        **(member.constants.named() if member.constants else {}),
        **member.asked(),
        **member.built(),
        **member.costs(),
    }


def read_constants(path: str | Path, rule: Rule = COMPOUND) -> Constants:
    """The rule's constants from a `constants.yaml` that a sweep wrote, or a file with just these.

    Raises UserError where the file is missing, lacks one of them or has what no sweep writes, such
    as the constant of a dimension that the rule lacks.
    """
    data = load_yaml(read_text(os.path.expanduser(path)), str(path))
    *first, last = rule.constant_names
    names = f"{', '.join(first)} and {last}" if first else last
    if not isinstance(data, Mapping):
        raise UserError(f"{path}: expected a mapping with {names}")
    unknown = [name for name in data if name not in (*rule.constant_names, *FOUND)]
    if unknown:
        raise UserError(
            f"{path}: {shown(unknown[0])}: expected {names}, and nothing else but what a sweep "
            "writes beside them"
        )
    named = {name: _number(path, name, data.get(name)) for name in rule.constant_names}
    try:
        return rule.constants(**named)
    except UserError as error:
        raise error.under(f"{path}: ") from None


def _number(path: str | Path, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{path}: {name}: expected a number, got {shown(value)}")
    return float(value)


def _member(
    name: str,
    arch: Arch,
    baseline: Arch,
    multipliers: Multipliers,
    constants: Constants | None,
    phi: float,
    dropout: float,
) -> Grown:
    arch = arch.replace(name=_family_name(baseline, name), dropout=dropout)
    return Grown(
        label=name,
        arch=arch,
        baseline=baseline,
        multipliers=multipliers,
        constants=constants,
        phi=phi,
        cost=cost(arch),
        realised_ratio=macs_ratio(arch, baseline),
    )


def _family_name(baseline: Arch, name: str) -> str:
    stem = baseline.name
    for suffix in ("_b0", "-b0", "b0", "baseline"):
        stem = stem.removesuffix(suffix)
    return f"{stem.rstrip('_-')}_{name}".lstrip("_")
