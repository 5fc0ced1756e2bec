"""What a system consists of, each part as it is or exchanged for its plain version.

EfficientNet (arXiv 1905.11946) has its accuracy from a recipe, an architecture and a way of
scaling; its §6 takes only the last apart. Here all are crossed with each other. Imports no
framework.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nas.networks.cost import cost
from scaling_search.grow.ablation import COMPOUND_KIND, AblatedNetwork, grown_to
from scaling_search.rule.rule import Constants
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.parsing import closest
from search_spaces.rounding import DepthRounding

RECIPE, ARCHITECTURE, SCALING = "recipe", "architecture", "scaling"
PARTS = (RECIPE, ARCHITECTURE, SCALING)
WIDTH = "width"
FULL, PLAIN = "full", "plain"
"""The two versions of a part; of the recipe, they are what records call its evaluator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One combination of full and plain parts: a network, and the recipe that trains it."""

    parts: tuple[str, ...]
    """The parts that are taken apart; all others are full in every arm."""
    plain: tuple[str, ...]
    """Those of them that are plain here."""
    network: AblatedNetwork
    target_macs: float
    """The MACs that all arms are to have."""

    @property
    def name(self) -> str:
        """What is plain in it: `full`, `plain recipe, scaling`, `all plain`."""
        if len(self.plain) == len(PARTS):
            return "all plain"
        return f"plain {', '.join(self.plain)}" if self.plain else "full"

    @property
    def cell(self) -> tuple[bool, ...]:
        """For each part that is taken apart, whether it is full."""
        return tuple(part not in self.plain for part in self.parts)

    @property
    def evaluator(self) -> str:
        """What its records call the evaluator that has its recipe."""
        return PLAIN if RECIPE in self.plain else FULL

    @property
    def difference(self) -> float:
        """By what fraction its MACs miss the target; negative below."""
        return self.network.cost.macs / self.target_macs - 1

    def versions(self) -> dict[str, str]:
        """Every part's version, `full` or `plain`."""
        return {part: PLAIN if part in self.plain else FULL for part in PARTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainVersions:
    """What takes the place of the architecture and of compound scaling."""

    baseline: Arch
    scaling: str
    """The one dimension that grows in place of all."""


def check_parts(parts: object) -> tuple[str, ...]:
    """The parts in their own order. Raises UserError for what is no list of some, each once."""
    if not isinstance(parts, Sequence) or isinstance(parts, str) or not parts:
        raise UserError(f"parts: expected a list of some of {', '.join(PARTS)}, got {parts!r}")
    for part in parts:
        if part not in PARTS:
            raise UserError(f"parts: got {part!r}{closest(part, PARTS)}")
    if len(set(parts)) < len(parts):
        raise UserError(f"parts: expected each once, got {list(parts)}")
    return tuple(part for part in PARTS if part in parts)


def make_arms(
    baseline: Arch,
    parts: Sequence[str],
    plain: PlainVersions,
    ratio: float,
    constants: Constants,
    depth_rounding: DepthRounding = "ceil",
) -> tuple[Arm, ...]:
    """Every combination of full and plain `parts`, full first; 2 to the power of their number.

    The networks have, as nearly as rounding allows, ratio × the baseline's MACs. Raises UserError
    for parts and dimensions that there are not, for a ratio out of reach, and where a plain version
    is the same as the full one.
    """
    chosen = check_parts(parts)
    names = constants.rule.names
    if plain.scaling not in names:
        raise UserError(f"plain_scaling: got {plain.scaling!r}{closest(plain.scaling, names)}")
    target = ratio * cost(baseline).macs
    kinds = (COMPOUND_KIND, plain.scaling) if SCALING in chosen else (COMPOUND_KIND,)
    starts = {FULL: baseline}
    if ARCHITECTURE in chosen:
        starts[PLAIN] = _in_place_of(baseline, plain.baseline, constants)
    networks: dict[tuple[str, str], AblatedNetwork] = {}
    for version, start in starts.items():
        ratio_of_start = target / cost(start).macs
        grown = [grown_to(start, kind, ratio_of_start, constants, depth_rounding) for kind in kinds]
        if len({each.arch.key() for each in grown}) < len(grown):
            raise UserError(
                f"ratio: at {ratio:g} × the MACs of {baseline.name}, {plain.scaling} alone and all "
                f"dimensions make the same network of {start.name}; expected another number"
            )
        for each, scaling in zip(grown, (FULL, PLAIN), strict=False):
            named = each.arch.replace(name=f"{start.name}_{each.kind}")
            networks[version, scaling] = replace(each, arch=named)
    return tuple(
        Arm(
            parts=chosen,
            plain=exchanged,
            network=networks[_versions(exchanged)],
            target_macs=target,
        )
        for exchanged in _combinations(chosen)
    )


def _versions(exchanged: Sequence[str]) -> tuple[str, str]:
    """The versions of architecture and scaling: those that make a network."""
    architecture, scaling = (PLAIN if p in exchanged else FULL for p in (ARCHITECTURE, SCALING))
    return architecture, scaling


def _in_place_of(baseline: Arch, plain: Arch, constants: Constants) -> Arch:
    """The plain baseline at the baseline's MACs, by its width, as such networks are sized.

    So both grow by the same ratio; over a small one, compound scaling would be all rounding.
    Classes and pixels are the baseline's too, as it is the network alone that is exchanged.
    """
    fed_alike = plain.replace(
        num_classes=baseline.num_classes,
        in_channels=baseline.in_channels,
        resolution=baseline.resolution,
    )
    if fed_alike.key() == baseline.key():
        raise UserError(
            f"plain_baseline: {plain.name} is the same network as {baseline.name}; expected "
            "another one"
        )
    ratio = cost(baseline).macs / cost(fed_alike).macs
    sized = grown_to(fed_alike, WIDTH, ratio, constants)
    return sized.arch.replace(name=f"{plain.name}_w{sized.multipliers[WIDTH]:.3g}")


def _combinations(parts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The parts that are plain: none, each alone, and so on up to all."""
    for size in range(len(parts) + 1):
        yield from itertools.combinations(parts, size)
