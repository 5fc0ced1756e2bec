"""One dimension against all three: networks grown by depth, width, resolution alone, and by all.

EfficientNet (arXiv 1905.11946), Tables 3 and 7, Figure 8. Imports no framework.
"""

import bisect
import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from nas.networks.cost import Cost, cost
from nas.runs.generated import write_folder
from nas.runs.tables import write_rows
from scaling_search.rule.compound import Constants, Multipliers
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding
from search_spaces.yaml_io import arch_to_yaml

Kind = Literal["depth", "width", "resolution", "compound"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_MILLION = 10**6
_MOST = 4096
"""The largest multiplier that is looked at: some networks do not grow in some dimension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """A baseline grown in one or all of its dimensions, and how near that came to the ratio."""

    kind: Kind
    target_ratio: float
    """What its MACs should be, over the baseline's."""
    multipliers: Multipliers
    """Before rounding."""
    phi: float | None
    """Of the constants; None where one dimension alone was scaled."""
    constants: Constants | None
    arch: Arch
    cost: Cost
    baseline: Arch
    baseline_cost: Cost

    @property
    def name(self) -> str:
        """`depth_x4`; also the name of its file."""
        return f"{self.kind}_x{self.target_ratio:g}"

    @property
    def realised_ratio(self) -> float:
        """MACs as built, over the baseline's."""
        return self.cost.macs / self.baseline_cost.macs

    @property
    def difference(self) -> float:
        """By what fraction of the target the realised ratio misses it; negative below."""
        return self.realised_ratio / self.target_ratio - 1

    def about(self) -> dict[str, Any]:
        """What its file says of where it came from."""
        constants = self.constants
        named = (
            {
                "phi": round(self.phi or 0.0, 6),
                "alpha": constants.alpha,
                "beta": constants.beta,
                "gamma": constants.gamma,
            }
            if constants
            else {}
        )
        return {
            "source": "ablation",
            "baseline": self.baseline.name,
            "kind": self.kind,
            "target_ratio": self.target_ratio,
            **named,
            "depth": round(self.multipliers.depth, 6),
            "width": round(self.multipliers.width, 6),
            "resolution": round(self.multipliers.resolution, 6),
            "params": self.cost.params,
            "macs": self.cost.macs,
            "nominal_ratio": round(self.multipliers.nominal_ratio(), 6),
            "realised_ratio": round(self.realised_ratio, 6),
            "difference": round(self.difference, 6),
        }


def ablate(
    baseline: Arch,
    ratios: Sequence[float],
    constants: Constants,
    depth_rounding: DepthRounding = "ceil",
) -> tuple[Scaled, ...]:
    """For each ratio a network of each kind, whose MACs are the nearest to ratio × the baseline's.

    Of all networks that the dimension's multiplier (φ, where all grow) can realise, rounding
    included, it is the nearest. Raises UserError for ratios that are not above zero or come twice,
    and where a dimension does not grow the network that far.
    """
    for ratio in ratios:
        if not (math.isfinite(ratio) and ratio > 0):
            raise UserError(f"ratio: expected a number above 0, got {ratio}")
    if not ratios or len({f"{ratio:g}" for ratio in ratios}) < len(ratios):
        raise UserError(f"ratios: expected at least one, and each once, got {list(ratios)}")
    if max(constants.alpha, constants.beta, constants.gamma) == 1:
        raise UserError("alpha, beta, gamma: at least one must be above 1 for networks to grow")
    ways = [_Way(baseline, cost(baseline), kind, constants, depth_rounding) for kind in KINDS]
    return tuple(way.nearest(ratio) for ratio in ratios for way in ways)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to grow the baseline, by one number: a multiplier, or φ where all dimensions grow.

    MACs grow with the number in steps, where rounding changes the network. It is counted in
    millionths, so that what a file says of it makes the same network again.
    """

    baseline: Arch
    baseline_cost: Cost
    kind: Kind
    constants: Constants
    depth_rounding: DepthRounding

    def nearest(self, ratio: float) -> Scaled:
        low, high = self._range()
        target = ratio * self.baseline_cost.macs
        if self._macs(high) < target:
            grown = self._macs(high) / self.baseline_cost.macs
            raise UserError(
                f"ratio: {self.kind} scaling grows {self.baseline.name} to no more than "
                f"{grown:.3g} × its MACs, not {ratio:g} ×"
            )
        above = _first(lambda count: self._macs(count) >= target, low, high)
        nearby = [count for count in (above, above - 1) if self._macs(count)]
        count = min(nearby, key=lambda count: abs(self._macs(count) - target))
        return self._scaled(self._simplest(count) / _MILLION, ratio)

    def _range(self) -> tuple[int, int]:
        """The smallest number, and the largest that makes no more than a network may have."""
        low, same, high = 1, _MILLION, _MOST * _MILLION
        if self.kind == "compound":
            constants = self.constants
            most = math.log(_MOST, max(constants.alpha, constants.beta, constants.gamma))
            low, same, high = -int(most * _MILLION), 0, int(most * _MILLION)
        return low, _first(lambda count: self._arch(count) is None, same, high + 1) - 1

    def _multipliers(self, value: float) -> Multipliers:
        if self.kind == "compound":
            return self.constants.multipliers(value)
        return Multipliers(**{"depth": 1.0, "width": 1.0, "resolution": 1.0, self.kind: value})

    def _arch(self, count: int) -> Arch | None:
        """None where the network would be so small that it is none, or larger than any may be."""
        multipliers = self._multipliers(count / _MILLION)
        try:
            return multipliers.apply(self.baseline, self.depth_rounding)
        except UserError:
            return None

    def _macs(self, count: int) -> int:
        arch = self._arch(count)
        return cost(arch).macs if arch else 0

    def _simplest(self, count: int) -> int:
        """The number of fewest decimals that makes a network of the same MACs."""
        macs = self._macs(count)
        low, high = self._range()
        first = _first(lambda other: self._macs(other) >= macs, low, count)
        beyond = _first(lambda other: self._macs(other) > macs, count, high)
        for decimals in range(6):
            step = int(10 ** (6 - decimals))
            rounded = -(-first // step) * step
            if rounded < beyond:
                return rounded
        return count

    def _scaled(self, value: float, ratio: float) -> Scaled:
        compound = self.kind == "compound"
        multipliers = self._multipliers(value)
        arch = multipliers.apply(self.baseline, self.depth_rounding)
        found = Scaled(
            kind=self.kind,
            target_ratio=float(ratio),
            multipliers=multipliers,
            phi=value if compound else None,
            constants=self.constants if compound else None,
            arch=arch,
            cost=cost(arch),
            baseline=self.baseline,
            baseline_cost=self.baseline_cost,
        )
        named = arch.replace(name=f"{self.baseline.name}_{found.name}")
        return dataclasses.replace(found, arch=named)


def _first(reached: Callable[[int], bool], low: int, high: int) -> int:
    """The least number that is `reached`, which `high` is taken to be."""
    return int(low + bisect.bisect_left(range(low, high), True, key=reached))


COLUMNS = (
    "file",
    "kind",
    "target_ratio",
    "realised_ratio",
    "difference",
    "phi",
    "alpha",
    "beta",
    "gamma",
    "depth",
    "width",
    "resolution",
    "layers",
    "pixels",
    "params",
    "macs",
    "activations",
    "key",
)


def write_ablation(networks: Sequence[Scaled], run: Path) -> tuple[Path, ...]:
    """`ablation/KIND_xRATIO.yaml` for each, and `ablation.csv`, in the run folder.

    What an earlier ablation left there is removed.
    """
    texts = {f"{each.name}.yaml": arch_to_yaml(each.arch, each.about()) for each in networks}
    paths = write_folder(run, "ablation", texts)
    rows = [
        each.about()
        | {
            "file": str(path.relative_to(run)),
            "layers": sum(stage.repeats for stage in each.arch.stages),
            "pixels": each.arch.resolution,
            "activations": each.cost.activations,
            "key": each.arch.key(),
        }
        for each, path in zip(networks, paths, strict=True)
    ]
    write_rows(run / "ablation.csv", COLUMNS, rows)
    return paths
