"""The members of a family, one after the other, until a limit leaves no more."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from nas.networks.cost import cost
from nas.searches.pricing import CostMetric, Macs
from scaling_search.grow.grown import Grown, macs_ratio
from scaling_search.grow.limits import LimitedGrowth
from scaling_search.grow.nearest import Trajectory
from scaling_search.rule.rule import MOST_TIMES
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.scaling import scaled_dropout


@dataclass(frozen=True, slots=True)
class Target:
    """What a member is to cost."""

    value: float
    metric: CostMetric = field(default_factory=Macs)
    """The cost that the value is of, and its unit."""

    def __post_init__(self) -> None:
        if not 0 < self.value < math.inf:
            raise UserError(f"targets: expected numbers above 0, got {self.value:g}")

    def price(self, arch: Arch) -> float:
        """What a network costs, in the target's unit."""
        return self.metric(arch, cost(arch))

    def __str__(self) -> str:
        return f"{spelt(self.value)} {self.metric.unit}"


def spelt(value: float) -> str:
    """A cost as messages and tables have it: whole where it counts something."""
    return f"{value:,.0f}" if value >= 10_000 else f"{value:,.5g}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A member as it is asked for."""

    phi: float
    target: Target | None = None
    limited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Grown):
    """A network of a family: what was asked of it, and what limits made of that."""

    phi: float
    target: Target | None = None
    limited: tuple[str, ...] = ()
    """The limits that changed it, or left out those that would follow it."""

    @classmethod
    def of(cls, arch: Arch, dropout: float, *, label: str, baseline: Arch, **asked: Any) -> Self:
        """The member that a grown network is, with its name, its dropout and its cost."""
        named = arch.replace(name=_name(baseline, label), dropout=dropout)
        return cls(
            label=label,
            arch=named,
            baseline=baseline,
            cost=cost(named),
            realised_ratio=macs_ratio(named, baseline),
            **asked,
        )

    @property
    def difference(self) -> float | None:
        """By what fraction of the target its cost misses it; negative below."""
        return None if self.target is None else self.target.price(self.arch) / self.target.value - 1

    def budget(self) -> dict[str, Any]:
        """The target, its unit, and the difference, as files say them; nothing without one."""
        if self.target is None or self.difference is None:
            return {}
        return {
            "target": self.target.value,
            "unit": self.target.metric.unit,
            "difference": round(self.difference, 6),
        }


def members(growth: LimitedGrowth, asked: Sequence[Asked]) -> tuple[Member, ...]:
    """The baseline as b0, and the others in the order of their φ: b-1 below it, b1, b2 … above.

    The first that costs more than a limit has the largest φ that does not, and those above are
    left out. Raises UserError where limits leave none but the baseline, and where a network
    shrinks to nothing.
    """
    ordered = sorted([*asked, Asked(0.0)], key=lambda each: each.phi)
    smaller = sum(each.phi < 0 for each in asked)
    kept: list[Member] = []
    for index, each in enumerate(ordered):
        label = f"b{index - smaller}"
        try:
            made = _member(growth, label, each)
        except UserError as error:
            raise error.under(f"phis: {each.phi:g}: ") from None
        exceeded = growth.limits.exceeded(made.cost)
        if exceeded and each.phi > 0:
            return _lowered(growth, kept, ordered[index:], label, exceeded)
        if growth.bound(each.phi) and _same(growth, each.phi, kept[-1].phi):
            (limit,) = growth.bound(each.phi)
            return without_larger(
                kept, f"{limit}: no other dimension grows; left out {_phis(ordered[index:])}"
            )
        kept.append(made)
    return tuple(kept)


def without_larger(kept: Sequence[Member], said: str) -> tuple[Member, ...]:
    """The members that a limit leaves. Raises UserError where only the baseline is left."""
    if len(kept) == 1:
        raise UserError(f"family.{said}: no network but the baseline is left")
    return noted(kept, -1, said)


def noted(kept: Sequence[Member], place: int, said: str) -> tuple[Member, ...]:
    """The members, with what a limit or a target made of the family said to one of them."""
    changed = list(kept)
    changed[place] = replace(changed[place], limited=(*changed[place].limited, said))
    return tuple(changed)


def trajectory(growth: LimitedGrowth, price: Callable[[Arch], float]) -> Trajectory:
    """All networks that a φ makes, within the limit of pixels."""
    high = growth.constants.phi_of(MOST_TIMES)
    return Trajectory(growth.arch, price, -high, 0.0, high)


def _lowered(
    growth: LimitedGrowth, kept: Sequence[Member], rest: Sequence[Asked], label: str, limit: str
) -> tuple[Member, ...]:
    """The members, and one with the largest φ that the limits of cost leave, if it is another."""
    first, *others = rest
    path = trajectory(growth, lambda arch: cost(arch).macs)
    phi = path.last(lambda arch: not growth.limits.exceeded(cost(arch)), first.phi)
    if _same(growth, phi, kept[-1].phi):
        return without_larger(kept, f"{limit}: left out {_phis(rest)}")
    left = f"; left out {_phis(others)}" if others else ""
    said = f"{limit}: φ = {phi:g} in place of {first.phi:g}{left}"
    return (*kept, _member(growth, label, replace(first, phi=phi, limited=(said,))))


def _same(growth: LimitedGrowth, phi: float, other: float) -> bool:
    return growth.arch(phi).key() == growth.arch(other).key()


def _phis(asked: Sequence[Asked]) -> str:
    return "φ = " + ", ".join(f"{each.phi:g}" for each in asked)


def _member(growth: LimitedGrowth, label: str, asked: Asked) -> Member:
    baseline, phi = growth.baseline, asked.phi
    return Member.of(
        growth.arch(phi),
        scaled_dropout(baseline.dropout, phi),
        label=label,
        baseline=baseline,
        multipliers=growth.multipliers(phi),
        constants=growth.constants,
        phi=phi,
        target=asked.target,
        limited=(*growth.bound(phi), *asked.limited),
    )


def _name(baseline: Arch, label: str) -> str:
    stem = baseline.name
    for suffix in ("_b0", "-b0", "b0", "baseline"):
        stem = stem.removesuffix(suffix)
    return f"{stem.rstrip('_-')}_{label}".lstrip("_")
