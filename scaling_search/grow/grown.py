"""A grown network: what its baseline was to be multiplied by, what was built, what it costs."""

from dataclasses import dataclass

from nas.networks.cost import Cost, cost
from scaling_search.rule.rule import Constants, Multipliers
from search_spaces.arch import Arch


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A baseline grown by multipliers. Grids, families and ablations choose some of these."""

    label: str
    """What tells it from others grown from its baseline: `b3`, `depth_x4`."""
    arch: Arch
    baseline: Arch
    multipliers: Multipliers
    """What was asked for, before anything is rounded."""
    constants: Constants | None = None
    """The constants that the multipliers are a power of; None where they follow none."""
    phi: float | None = None
    """The power; None where the multipliers belong to none."""
    cost: Cost
    realised_ratio: float
    """Cost as built over the baseline's: in MACs, or in what else a grid is priced by."""

    @property
    def nominal_ratio(self) -> float:
        """Growth of MACs that was asked for, were nothing rounded."""
        return self.multipliers.nominal_ratio()

    @property
    def realised(self) -> Multipliers:
        """What each dimension is as built, over the baseline's."""
        return self.multipliers.rule.realised(self.arch, self.baseline)

    def asked(self) -> dict[str, float]:
        """The multipliers as files say them: `depth`, `width`, …."""
        return {name: round(value, 6) for name, value in self.multipliers.named().items()}

    def built(self) -> dict[str, float]:
        """What was realised as files say it: `realised_depth`, `realised_width`, …."""
        realised = self.realised.named()
        return {f"realised_{name}": round(value, 6) for name, value in realised.items()}

    def costs(self) -> dict[str, float]:
        """Parameters, MACs, and both ratios, as files say them."""
        return {
            "params": self.cost.params,
            "macs": self.cost.macs,
            "nominal_ratio": round(self.nominal_ratio, 6),
            "realised_ratio": round(self.realised_ratio, 6),
        }


def macs_ratio(arch: Arch, baseline: Arch) -> float:
    """MACs of a network over its baseline's."""
    return cost(arch).macs / cost(baseline).macs
