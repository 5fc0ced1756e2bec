"""One dimension against all: networks grown by depth, width, resolution alone, and by all three.

EfficientNet (arXiv 1905.11946), Tables 3 and 7, Figure 8. Imports no framework.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.networks.cost import cost
from nas.runs.csv_files import write_rows
from nas.runs.generated import write_folder
from scaling_search.grow.grown import Grown, macs_ratio
from scaling_search.grow.nearest import Trajectory
from scaling_search.rule.compound import layers, pixels
from scaling_search.rule.rule import MOST_TIMES, Constants, Multipliers, Rule
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding
from search_spaces.yaml_io import arch_to_yaml

COMPOUND_KIND = "compound"
"""The kind that grows all dimensions; the others are called after the one that they grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AblatedNetwork(Grown):
    """A baseline grown in one or all of its dimensions, and how near that came to the ratio."""

    kind: str
    """The dimension that grew, or `compound`; `baseline` for the baseline itself."""
    target_ratio: float
    """What its MACs should be, over the baseline's."""

    @property
    def difference(self) -> float:
        """By what fraction of the target the realised ratio misses it; negative below."""
        return self.realised_ratio / self.target_ratio - 1

    def about(self) -> dict[str, Any]:
        """What its file says of where it came from."""
        named = self.constants.named() if self.constants else {}
        return {
            "source": "ablation",
            "baseline": self.baseline.name,
            "kind": self.kind,
            "target_ratio": self.target_ratio,
            **({} if self.phi is None else {"phi": round(self.phi, 6)}),
            **named,
            **self.asked(),
            **self.costs(),
            "difference": round(self.difference, 6),
        }


def ungrown(baseline: Arch, rule: Rule) -> AblatedNetwork:
    """The baseline itself, which the grown networks are compared with."""
    return AblatedNetwork(
        label="baseline",
        kind="baseline",
        target_ratio=1.0,
        multipliers=rule.multipliers(),
        arch=baseline,
        baseline=baseline,
        cost=cost(baseline),
        realised_ratio=1.0,
    )


def kinds(rule: Rule) -> tuple[str, ...]:
    """Every way to grow by the rule: in each dimension alone, and in all."""
    return (*rule.names, COMPOUND_KIND)


def ablate(
    baseline: Arch,
    ratios: Sequence[float],
    constants: Constants,
    depth_rounding: DepthRounding = "ceil",
) -> tuple[AblatedNetwork, ...]:
    """For each ratio a network of each kind, whose MACs are the nearest to ratio × the baseline's.

    Of all networks that the dimension's multiplier (φ, where all grow) can realise, rounding
    included, it is the nearest. Raises UserError for ratios that are not above zero or come twice,
    and where a dimension does not grow the network that far.
    """
    for ratio in ratios:
        _check_ratio(ratio)
    if not ratios or len({f"{ratio:g}" for ratio in ratios}) < len(ratios):
        raise UserError(f"ratios: expected at least one, and each once, got {list(ratios)}")
    constants.check_growth()
    growths = [_Growth(baseline, kind, constants, depth_rounding) for kind in kinds(constants.rule)]
    return tuple(growth.nearest(ratio) for ratio in ratios for growth in growths)


def grown_to(
    baseline: Arch,
    kind: str,
    ratio: float,
    constants: Constants,
    depth_rounding: DepthRounding = "ceil",
) -> AblatedNetwork:
    """The network of one kind whose MACs are the nearest to ratio × the baseline's.

    Raises UserError as `ablate` does.
    """
    _check_ratio(ratio)
    constants.check_growth()
    return _Growth(baseline, kind, constants, depth_rounding).nearest(ratio)


def _check_ratio(ratio: float) -> None:
    if not (math.isfinite(ratio) and ratio > 0):
        raise UserError(f"ratio: expected a number above 0, got {ratio}")


@dataclass(frozen=True, slots=True)
class _Growth:
    """One kind of growth: the networks that it makes of the baseline, along a multiplier or φ."""

    baseline: Arch
    kind: str
    constants: Constants
    depth_rounding: DepthRounding

    def nearest(self, ratio: float) -> AblatedNetwork:
        path, unit = self._trajectory(), cost(self.baseline).macs
        value = path.nearest(ratio * unit)
        if value is None:
            raise UserError(
                f"ratio: {self.kind} scaling grows {self.baseline.name} to no more than "
                f"{path.dearest() / unit:.3g} × its MACs, not {ratio:g} ×"
            )
        return self._grown(value, ratio)

    def _trajectory(self) -> Trajectory:
        low, same, high = 1e-6, 1.0, float(MOST_TIMES)
        if self.kind == COMPOUND_KIND:
            high = self.constants.phi_of(MOST_TIMES)
            low, same = -high, 0.0
        return Trajectory(self._arch, lambda arch: cost(arch).macs, low, same, high)

    def _multipliers(self, value: float) -> Multipliers:
        if self.kind == COMPOUND_KIND:
            return self.constants.multipliers(value)
        return self.constants.rule.multipliers(**{self.kind: value})

    def _arch(self, value: float) -> Arch:
        return self._multipliers(value).apply(self.baseline, self.depth_rounding)

    def _grown(self, value: float, ratio: float) -> AblatedNetwork:
        compound = self.kind == COMPOUND_KIND
        multipliers, arch = self._multipliers(value), self._arch(value)
        label = f"{self.kind}_x{float(ratio):g}"
        return AblatedNetwork(
            label=label,
            kind=self.kind,
            target_ratio=float(ratio),
            multipliers=multipliers,
            phi=value if compound else None,
            constants=self.constants if compound else None,
            arch=arch.replace(name=f"{self.baseline.name}_{label}"),
            baseline=self.baseline,
            cost=cost(arch),
            realised_ratio=macs_ratio(arch, self.baseline),
        )


def columns(rule: Rule) -> tuple[str, ...]:
    """The columns of `ablation.csv`."""
    return (
        *("file", "kind", "target_ratio", "realised_ratio", "difference", "phi"),
        *rule.constant_names,
        *rule.names,
        *("layers", "pixels", "params", "macs", "activations", "key"),
    )


def write_ablation(
    networks: Sequence[AblatedNetwork], run: Path, classes: Sequence[str] = ()
) -> tuple[Path, ...]:
    """`ablation/KIND_xRATIO.yaml` for each, and `ablation.csv`, in the run folder.

    The files name the `classes` that the networks tell apart. What an earlier ablation left there
    is removed.
    """
    named = {"classes": list(classes)} if classes else {}
    texts = {
        f"{each.label}.yaml": arch_to_yaml(each.arch, {**each.about(), **named})
        for each in networks
    }
    paths = write_folder(run, "ablation", texts)
    rows = [
        each.about()
        | {
            "file": str(path.relative_to(run)),
            "layers": layers(each.arch),
            "pixels": pixels(each.arch),
            "activations": each.cost.activations,
            "key": each.arch.key(),
        }
        for each, path in zip(networks, paths, strict=True)
    ]
    write_rows(run / "ablation.csv", columns(networks[0].multipliers.rule), rows)
    return paths
