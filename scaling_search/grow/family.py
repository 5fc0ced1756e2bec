"""A baseline and its scaling rule become a family: B0 … B7, each a complete YAML file.

Imports no framework: the whole family takes a fraction of a second.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nas.runs.generated import write_folder
from scaling_search.grow.limits import LIMITS, LimitedGrowth, Limits
from scaling_search.grow.members import Asked, Member, members, without_larger
from scaling_search.rule.compound import COMPOUND, PUBLISHED
from scaling_search.rule.rule import Constants, Rule
from search_spaces.arch import Arch
from search_spaces.errors import UserError, shown
from search_spaces.files import read_text
from search_spaces.rounding import DepthRounding
from search_spaces.yaml_io import arch_to_yaml
from search_spaces.yaml_text import load_yaml

PHIS: tuple[float, ...] = (0.5, 1.0, 2.0, 3.5, 5.0, 6.0, 7.0)
"""φ of B1 … B7, as usually named for the published family."""


FOUND = (
    *(
        "baseline",
        "verdict",
        "phi",
        "depth_rounding",
        "cost",
        "strategy",
        "target_ratio",
        "band",
        "best",
    ),
    *("ties", "noise", "trainings_to_decide", "estimate", "turn_with_cost"),
    *("turn_with_epochs", "candidates", "failed_trainings", "evaluator"),
)
"""What a sweep's `constants.yaml` says of the constants, beside them."""


def published_family(baseline: Arch, limits: Limits = LIMITS) -> tuple[Member, ...]:
    """The eight published rows applied to any baseline; to EfficientNet-B0, its B0 … B7.

    The rows' pixels and dropout are for a baseline with 224 and 0.2, and scale with its own. A row
    has no φ that could be lowered: it is fed no more pixels than the limit, and is left out where
    it costs too much. Raises UserError for a baseline that exceeds a limit itself, and where the
    limits leave no other network.
    """
    limits.check(baseline)
    kept: list[Member] = []
    for row in PUBLISHED:
        asked = row.multipliers()
        multipliers = limits.held(asked, baseline)
        arch = limits.apply(multipliers, baseline)
        dropout = min(1.0, round(baseline.dropout * row.dropout / 0.2, 6))
        bound = limits.bound(asked, baseline)
        made = Member.of(
            arch, dropout, label=row.name, baseline=baseline, multipliers=multipliers,
            phi=row.phi, limited=bound,
        )  # fmt: skip
        exceeded = limits.exceeded(made.cost)
        if exceeded:
            left = ", ".join(each.name for each in PUBLISHED[len(kept) :])
            return without_larger(kept, f"{exceeded}: left out {left}")
        kept.append(made)
    return tuple(kept)


def formula_family(
    baseline: Arch,
    constants: Constants,
    phis: Sequence[float] = PHIS,
    depth_rounding: DepthRounding = "ceil",
    limits: Limits = LIMITS,
) -> tuple[Member, ...]:
    """B0, the baseline itself, and a network for each φ, ascending, within the limits.

    Those above the baseline are b1, b2, …; those of negative φ, smaller than it, b-1, b-2, …. The
    first that costs more than a limit has the largest φ that does not, and those above are left
    out. Raises UserError as `check_phis` does, for constants of which none is above 1, for a
    baseline that exceeds a limit itself, where the limits leave no other network, and where a
    network shrinks to nothing.
    """
    check_phis(phis)
    growth = LimitedGrowth.of(baseline, constants, limits, depth_rounding)
    return members(growth, [Asked(float(phi)) for phi in phis if phi])


def check_phis(phis: Sequence[float]) -> None:
    """Raises UserError for a φ given twice, and where no network but the baseline is asked for."""
    given = [float(phi) for phi in phis]
    if not any(given):
        raise UserError(f"phis: expected at least one φ other than 0, got {list(phis)}")
    if len(set(given)) < len(given):
        raise UserError(f"phis: expected each φ once, got {', '.join(map('{:g}'.format, given))}")


def write_family(
    members: Sequence[Member],
    run: str | Path,
    classes: Sequence[str] = (),
    forecasts: Sequence[Mapping[str, Any]] = (),
) -> tuple[Path, ...]:
    """Write each member as `run/family/bN.yaml`, with its `about` and the names of its classes.

    `forecasts`, where there are any, say what each member is expected to reach. What an earlier,
    larger family left there is removed, and nothing else.
    """
    named = {"classes": list(classes)} if classes else {}
    expected = [{"forecast": dict(each)} for each in forecasts] or [{} for _ in members]
    texts = {
        f"{each.label}.yaml": arch_to_yaml(each.arch, {**about(each), **said, **named})
        for each, said in zip(members, expected, strict=True)
    }
    return write_folder(Path(run), "family", texts)


def about(member: Member) -> dict[str, Any]:
    """What a member's file says of where it came from."""
    return {
        "source": "formula" if member.constants else "published",
        "phi": member.phi,
        **(member.constants.named() if member.constants else {}),
        **member.asked(),
        **member.built(),
        **member.costs(),
        "activations": member.cost.activations,
        **member.budget(),
        **({"limited": "; ".join(member.limited)} if member.limited else {}),
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
