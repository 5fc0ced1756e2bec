"""What no member of a family exceeds, and how a baseline grows along φ within it."""

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Self

from nas.defaults.conf import default
from nas.networks.cost import Cost, cost
from scaling_search.rule.rule import Constants, Multipliers, Rule
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.limits import MOST_PIXELS
from search_spaces.rounding import DepthRounding, round_resolution

_RESOLUTION = "resolution"
"""The dimension that `resolution_max` and `resolution_multiple` are of."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a member of a family may cost and be fed."""

    macs_max: float | None = default("family/default", "macs_max")
    """MACs as built."""
    params_max: float | None = default("family/default", "params_max")
    """Parameters as built."""
    resolution_max: int | None = default("family/default", "resolution_max")
    """Pixels of a side. What a member does not spend on more of them goes to the dimensions that
    are left, in their proportion, so that it still costs what its φ says."""
    resolution_multiple: int | None = default("family/default", "resolution_multiple")
    """Pixels of all members but the baseline are a multiple of it. The stride of the whole network,
    32 as a rule, leaves no feature map that rounds up."""

    def __post_init__(self) -> None:
        for name in ("macs_max", "params_max"):
            given = getattr(self, name)
            if given is not None and not 0 < given < math.inf:
                raise UserError(f"{name}: expected a number above 0, or null, got {given}")
        for name in ("resolution_max", "resolution_multiple"):
            given = getattr(self, name)
            if given is not None and not 0 < given <= MOST_PIXELS:
                raise UserError(
                    f"{name}: expected pixels from 1 to {MOST_PIXELS}, or null, got {given}"
                )
        if self.resolution_multiple and self.most_pixels == 0:
            raise UserError(
                f"resolution_multiple: expected at most resolution_max, {self.resolution_max}, got "
                f"{self.resolution_multiple}"
            )

    @property
    def most_pixels(self) -> int | None:
        """The largest multiple that `resolution_max` leaves; None for any."""
        if self.resolution_max is None:
            return None
        multiple = self.resolution_multiple or 1
        return self.resolution_max // multiple * multiple

    def check(self, baseline: Arch) -> None:
        """Raises UserError for a baseline that exceeds a limit itself: no family of it keeps it."""
        price = cost(baseline)
        for name, has, what in (
            ("macs_max", price.macs, "MACs"),
            ("params_max", price.params, "parameters"),
            ("resolution_max", baseline.resolution, "pixels"),
        ):
            most = getattr(self, name)
            if most is not None and has > most:
                raise UserError(
                    f"family.{name}: {baseline.name} itself has {has:,} {what}; expected at least "
                    f"that, or null, got {most:,.0f}"
                )
        most_pixels = self.most_pixels
        if most_pixels is not None and most_pixels < baseline.resolution:
            raise UserError(
                f"family.resolution_multiple: no multiple of {self.resolution_multiple} lies "
                f"between the {baseline.resolution} px of {baseline.name} and resolution_max, "
                f"{self.resolution_max}"
            )

    def exceeded(self, price: Cost) -> str:
        """The limits of cost that a network exceeds, each with its figure; empty for none."""
        costs = (("macs_max", price.macs), ("params_max", price.params))
        limits = [(name, has, getattr(self, name)) for name, has in costs]
        over = [f"{name} {most:,.0f}" for name, has, most in limits if most and has > most]
        return " and ".join(over)

    def held(self, asked: Multipliers, baseline: Arch) -> Multipliers:
        """The multipliers, with no more pixels than the limit."""
        most, values = self._most(baseline), asked.named()
        if most is None or values.get(_RESOLUTION, 1.0) <= most:
            return asked
        return asked.rule.multipliers(**values | {_RESOLUTION: most})

    def apply(
        self, multipliers: Multipliers, baseline: Arch, depth_rounding: DepthRounding = "ceil"
    ) -> Arch:
        """The network that `baseline` becomes, its pixels a multiple. Raises UserError as `scale`
        does."""
        limited = Multipliers(self._rule(multipliers.rule, baseline), multipliers.values)
        return limited.apply(baseline, depth_rounding)

    def bound(self, asked: Multipliers, baseline: Arch) -> tuple[str, ...]:
        """The limit, with its figure, where it has fewer pixels than were asked for, as they
        round."""
        most, times = self._most(baseline), asked.named().get(_RESOLUTION, 1.0)
        if most is None or times <= max(1.0, most):
            return ()
        asked_for = min(times, 2 * most) * baseline.resolution
        pixels = round_resolution(asked_for, self.resolution_multiple or 1)
        return (
            (f"resolution_max {self.resolution_max}",) if pixels > (self.most_pixels or 0) else ()
        )

    def _most(self, baseline: Arch) -> float | None:
        """The largest multiplier of the resolution; None where there is no limit."""
        return None if self.most_pixels is None else self.most_pixels / baseline.resolution

    def _rule(self, rule: Rule, baseline: Arch) -> Rule:
        """The rule with its resolution rounded to multiples, between the baseline's and the
        limit."""
        rounded = functools.partial(self._rounded, own=baseline.resolution)
        return Rule(
            tuple(
                dataclasses.replace(each, rounded=rounded) if each.name == _RESOLUTION else each
                for each in rule
            )
        )

    def _rounded(self, pixels: float, own: int) -> int:
        """The pixels of a member, of a baseline with `own`. Raises UserError where no multiple
        lies where it may."""
        multiple = self.resolution_multiple or 1
        if pixels == own:
            return own
        # Rounding makes no larger member smaller than the baseline, nor a smaller one larger.
        if pixels < own:
            return round_resolution(pixels, multiple, most=own)
        return round_resolution(pixels, multiple, least=own, most=self.most_pixels)


LIMITS = Limits()
"""Those of the command line without any settings."""


@dataclass(frozen=True, slots=True)
class LimitedGrowth:
    """A baseline that grows along φ, its resolution within the limits."""

    baseline: Arch
    constants: Constants
    limits: Limits
    depth_rounding: DepthRounding = "ceil"

    @classmethod
    def of(
        cls, baseline: Arch, constants: Constants, limits: Limits, depth_rounding: DepthRounding
    ) -> Self:
        """Raises UserError for constants of which none is above 1, and for a baseline that exceeds
        a limit itself."""
        constants.check_growth()
        limits.check(baseline)
        return cls(baseline, constants, limits, depth_rounding)

    def arch(self, phi: float) -> Arch:
        """The network at φ. Raises UserError for one that is too small or too large to be."""
        return self.limits.apply(self.multipliers(phi), self.baseline, self.depth_rounding)

    def multipliers(self, phi: float) -> Multipliers:
        """What each dimension is multiplied by at φ, so that all together cost what φ says.

        Where the resolution is held at its limit, the others grow by α^ψ, β^ψ with a ψ > φ that
        makes up for it; where no other grows, the network costs less.
        """
        asked = self.constants.multipliers(phi)
        held = self.limits.held(asked, self.baseline)
        pairs = zip(held.rule, asked.values, held.values, strict=True)
        saved = sum(each.exponent * math.log(one / other) for each, one, other in pairs)
        if not saved:
            return held
        named = dict(zip(held.rule.names, self.constants.values, strict=True))
        grown = held.rule.multipliers(**named | {_RESOLUTION: 1.0})
        ratio = math.log(grown.nominal_ratio())
        psi = phi + saved / ratio if ratio else phi
        try:
            times = {name: value**psi for name, value in grown.named().items()}
        except OverflowError:
            raise UserError(
                f"phi: {phi:g} is too large for {held.rule.symbols} = {self.constants}"
            ) from None
        return held.rule.multipliers(**times | {_RESOLUTION: held[_RESOLUTION]})

    def bound(self, phi: float) -> tuple[str, ...]:
        """The limit that has fewer pixels than φ asks for; empty for none."""
        return self.limits.bound(self.constants.multipliers(phi), self.baseline)
