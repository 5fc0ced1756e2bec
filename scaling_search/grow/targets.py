"""A family whose members cost what is asked for: φ is solved from the cost that is realised."""

from collections.abc import Sequence

from nas.networks.cost import cost
from nas.searches.pricing import CostMetric
from scaling_search.grow.limits import LIMITS, LimitedGrowth, Limits
from scaling_search.grow.members import Asked, Member, Target, members, noted, spelt, trajectory
from scaling_search.rule.rule import Constants
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding

_HALF = 0.5
"""A network that costs less than this part of a target, or the target this part of it, is no
answer to it."""


def target_family(
    baseline: Arch,
    constants: Constants,
    targets: Sequence[float],
    metric: CostMetric,
    depth_rounding: DepthRounding = "ceil",
    limits: Limits = LIMITS,
) -> tuple[Member, ...]:
    """B0, the baseline itself, and for each target the network whose cost is the nearest to it.

    Of all networks that a φ makes, rounding included, it is the nearest; φ is negative for a
    target below the baseline's cost. A target that has the same network as another, or the
    baseline itself, makes no member. Raises UserError as `check_targets` and `members` do, and for
    a target that no network costs half or twice as much as.
    """
    check_targets(targets)
    growth = LimitedGrowth.of(baseline, constants, limits, depth_rounding)
    asked: dict[str, Asked] = {}
    alike = []
    for target in [Target(float(value), metric) for value in sorted(targets)]:
        each = _nearest(growth, target)
        key = growth.arch(each.phi).key()
        if key == baseline.key() or key in asked:
            alike.append(spelt(target.value))
        else:
            asked[key] = each
    if not asked:
        own = Target(metric(baseline, cost(baseline)), metric)
        raise UserError(
            f"targets: of all networks {baseline.name} itself is the nearest to each; expected one "
            f"further from its {own}"
        )
    made = members(growth, list(asked.values()))
    if not alike:
        return made
    place = [member.label for member in made].index("b0")
    said = f"targets: left out {'; '.join(alike)}: the network nearest to it is a member already"
    return noted(made, place, said)


def check_targets(targets: Sequence[float]) -> None:
    """Raises UserError for targets that are not above 0, come twice, or are none at all."""
    for value in targets:
        Target(float(value))
    if not targets or len({*targets}) < len(targets):
        given = ", ".join(f"{value:g}" for value in targets)
        raise UserError(f"targets: expected at least one, and each once, got [{given}]")


def _nearest(growth: LimitedGrowth, target: Target) -> Asked:
    path = trajectory(growth, target.price)
    phi = path.nearest(target.value)
    if phi is None:
        largest = Target(path.dearest(), target.metric)
        raise UserError(
            f"targets: {growth.baseline.name} grows to no more than {largest}, not {target}"
        )
    found = Target(target.price(growth.arch(phi)), target.metric)
    if not _HALF <= found.value / target.value <= 1 / _HALF:
        raise UserError(
            f"targets: the network nearest to {target} that {growth.baseline.name} becomes costs "
            f"{found}"
        )
    return Asked(phi, target)
