"""The candidates of the α, β, γ grid search, merged by the network they realise.

EfficientNet (arXiv 1905.11946), §3.3, step 1: a grid over α, β, γ under α · β² · γ² ≈ 2.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from nas.defaults.conf import default
from nas.networks.cost import cost
from scaling_search.rule.compound import Constants, Multipliers
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding

Price = Callable[[Arch], float]
"""What a network costs: MACs, or a latency; the sweep compares its ratio to the baseline's."""

_MOST_STEPS = 400


@dataclass(frozen=True, kw_only=True)
class GridSettings:
    """Which (α, β, γ) are tried, and how they become networks."""

    phi: float = default("sweep/grid", "phi")
    """The φ the candidates are built at; above 1 is a grid directly around a larger model."""
    step: float = default("sweep/grid", "step")
    """Between neighbouring values of each constant."""
    max: float = default("sweep/grid", "max")
    """Largest value of each constant; the smallest is 1."""
    ratio: float = default("sweep/grid", "ratio")
    """How much dearer one unit of φ should make a network."""
    constraint: Literal["nominal", "realised"] = default("sweep/grid", "constraint")
    """`nominal`: |α·β²·γ² − ratio| ≤ tolerance, as in the paper; `realised`: the cost of the
    network as built is within the fraction `within` of ratio^φ times the baseline's."""
    tolerance: float = default("sweep/grid", "tolerance")
    """Of the nominal constraint; under 0.08 the paper's own 1.2, 1.1, 1.15 is rejected."""
    within: float = default("sweep/grid", "within")
    """Of the realised constraint: 0.1 for ±10 %."""
    depth_rounding: DepthRounding = default("sweep/grid", "depth_rounding")
    """How layers are rounded: `ceil` as released, `round` to tell candidates apart better."""

    def __post_init__(self) -> None:
        _positive("phi", self.phi)
        _positive("step", self.step)
        if not (math.isfinite(self.max) and self.max >= 1):
            raise UserError(f"max: expected a number of at least 1, got {self.max}")
        if (self.max - 1) / self.step > _MOST_STEPS:
            raise UserError(f"step: {self.step} makes over {_MOST_STEPS} values up to {self.max}")
        if not (math.isfinite(self.ratio) and self.ratio > 1):
            raise UserError(f"ratio: expected a number above 1, got {self.ratio}")
        for name, value in (("tolerance", self.tolerance), ("within", self.within)):
            if not (math.isfinite(value) and value >= 0):
                raise UserError(f"{name}: expected a number of at least 0, got {value}")
        if self.depth_rounding not in ("ceil", "round"):
            raise UserError(f"depth_rounding: expected ceil or round, got {self.depth_rounding!r}")
        if self.constraint not in ("nominal", "realised"):
            raise UserError(f"constraint: expected nominal or realised, got {self.constraint!r}")

    def target_ratio(self) -> float:
        """What the candidates should cost, as a multiple of the baseline: ratio^φ."""
        return float(self.ratio**self.phi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A network that one or more grid points realise."""

    index: int
    """Its place among the candidates of the grid."""
    points: tuple[Constants, ...]
    """All the grid points that realise it, ascending."""
    constants: Constants
    """The point standing for them: the nearest to the nominal ratio, the smallest where equal."""
    multipliers: Multipliers
    """Of `constants`, before rounding."""
    arch: Arch
    nominal_ratio: float
    """(α·β²·γ²)^φ of `constants`."""
    realised_ratio: float
    """Cost of the network as built over the baseline's."""
    macs: int
    params: int

    @property
    def depths(self) -> tuple[int, ...]:
        """Layers of each stage."""
        return tuple(stage.repeats for stage in self.arch.stages)


@dataclass(frozen=True, slots=True)
class Grid:
    """The candidates, and what they were made of."""

    baseline: Arch
    settings: GridSettings
    candidates: tuple[Candidate, ...]

    @property
    def points(self) -> int:
        """Grid points that satisfy the constraint."""
        return sum(len(candidate.points) for candidate in self.candidates)

    @property
    def depth_vectors(self) -> int:
        """Different ways the layers are spread over the stages."""
        return len({candidate.depths for candidate in self.candidates})

    @property
    def realised_range(self) -> tuple[float, float]:
        """Cheapest and dearest candidate, as multiples of the baseline."""
        ratios = [candidate.realised_ratio for candidate in self.candidates]
        return min(ratios), max(ratios)


def make_grid(baseline: Arch, settings: GridSettings, price: Price | None = None) -> Grid:
    """The networks of the grid around `baseline`; priced in MACs unless told otherwise.

    Raises UserError where the constraint leaves none, saying what the nearest would need.
    """
    if settings.constraint == "nominal":
        points: Iterable[Constants] = nominal_points(settings)
    else:
        values = [float(value) for value in _values(settings)]
        points = (Constants(a, b, c) for a in values for b in values for c in values)
    price = price or _macs
    unit = price(baseline)
    networks = [
        _Network(arch, members, price(arch) / unit)
        for arch, members in _merge(baseline, points, settings)
    ]
    if settings.constraint == "realised":
        networks = _within(networks, settings)
    candidates = (_candidate(i, network, settings) for i, network in enumerate(networks))
    return Grid(baseline, settings, tuple(candidates))


def nominal_points(settings: GridSettings) -> list[Constants]:
    """The grid points with |α·β²·γ² − ratio| ≤ tolerance, ascending, by exact arithmetic.

    Raises UserError where there is none.
    """
    values = _values(settings)
    ratio, tolerance = _exact(settings.ratio), _exact(settings.tolerance)
    points = []
    for beta in values:
        for gamma in values:
            area = beta**2 * gamma**2
            low, high = (ratio - tolerance) / area, (ratio + tolerance) / area
            points += [(alpha, beta, gamma) for alpha in _between(values, low, high)]
    if not points:
        raise UserError(_nothing_near(values, ratio, settings))
    return [Constants(*map(float, point)) for point in sorted(points)]


def _values(settings: GridSettings) -> list[Fraction]:
    # In floating point 1 + 4 * 0.05 is not 1.2, and a point on the edge of the tolerance would
    # come or go by chance.
    step = _exact(settings.step)
    count = int((_exact(settings.max) - 1) / step)
    return [1 + index * step for index in range(count + 1)]


def _exact(value: float) -> Fraction:
    return Fraction(str(value))


def _between(values: list[Fraction], low: Fraction, high: Fraction) -> Iterator[Fraction]:
    step = values[1] - values[0] if len(values) > 1 else Fraction(1)
    first = max(0, math.ceil((low - 1) / step))
    last = min(len(values) - 1, math.floor((high - 1) / step))
    return (values[index] for index in range(first, last + 1))


def _nothing_near(values: list[Fraction], ratio: Fraction, settings: GridSettings) -> str:
    def miss(point: tuple[Fraction, Fraction, Fraction]) -> Fraction:
        return abs(point[0] * point[1] ** 2 * point[2] ** 2 - ratio)

    nearest = min(
        (
            (min(values, key=lambda alpha: abs(alpha * area - ratio)), beta, gamma)
            for beta in values
            for gamma in values
            for area in (beta**2 * gamma**2,)
        ),
        key=miss,
    )
    point = Constants(*map(float, nearest))
    return (
        f"tolerance: no α, β, γ from 1 to {settings.max:g} in steps of {settings.step:g} has "
        f"α·β²·γ² within {settings.tolerance:g} of {settings.ratio:g}; the nearest is {point} "
        f"with {point.product():.4f}, which needs a tolerance of {float(miss(nearest)):.4f}"
    )


def _merge(
    baseline: Arch, points: Iterable[Constants], settings: GridSettings
) -> list[tuple[Arch, list[Constants]]]:
    """Networks with the points that realise them, ordered by the first of these."""

    def realised(depth: float = 1, width: float = 1, resolution: float = 1) -> Arch:
        multipliers = Multipliers(depth, width, resolution)
        return multipliers.apply(baseline, settings.depth_rounding)

    # Each dimension is rounded by itself, so points agreeing in all three agree as a whole: of a
    # thousand points only the few distinct ones need be built.
    phi = settings.phi
    alike: dict[tuple[str, str, str], list[Constants]] = defaultdict(list)
    keys: dict[tuple[str, float], str] = {}

    def key(dimension: str, constant: float) -> str:
        if (dimension, constant) not in keys:
            keys[dimension, constant] = realised(**{dimension: constant**phi}).key()
        return keys[dimension, constant]

    for point in points:
        signature = (
            key("depth", point.alpha),
            key("width", point.beta),
            key("resolution", point.gamma),
        )
        alike[signature].append(point)
    networks: dict[str, tuple[Arch, list[Constants]]] = {}
    for members in alike.values():
        arch = members[0].multipliers(phi).apply(baseline, settings.depth_rounding)
        networks.setdefault(arch.key(), (arch, []))[1].extend(members)
    return list(networks.values())


@dataclass(frozen=True, slots=True)
class _Network:
    arch: Arch
    points: list[Constants]
    realised_ratio: float


def _candidate(index: int, network: _Network, settings: GridSettings) -> Candidate:
    points = sorted(network.points)
    constants = min(points, key=lambda point: round(abs(point.product() - settings.ratio), 9))
    priced = cost(network.arch)
    return Candidate(
        index=index,
        points=tuple(points),
        constants=constants,
        multipliers=constants.multipliers(settings.phi),
        arch=network.arch.replace(name=_name(network.arch.name, constants, settings.phi)),
        nominal_ratio=constants.nominal_ratio(settings.phi),
        realised_ratio=network.realised_ratio,
        macs=priced.macs,
        params=priced.params,
    )


def _within(networks: list[_Network], settings: GridSettings) -> list[_Network]:
    target = settings.target_ratio()

    def miss(network: _Network) -> float:
        return abs(network.realised_ratio / target - 1)

    kept = [network for network in networks if miss(network) <= settings.within + 1e-9]
    if not kept:
        nearest = min(networks, key=miss)
        raise UserError(
            f"within: no network costs {target:.4g} × the baseline to within "
            f"{settings.within:.1%}; the nearest, {nearest.points[0]}, costs "
            f"{nearest.realised_ratio:.4g} ×, which needs {miss(nearest):.4f}"
        )
    return kept


def _macs(arch: Arch) -> float:
    return cost(arch).macs


def _name(baseline: str, constants: Constants, phi: float) -> str:
    a, b, c = constants.alpha, constants.beta, constants.gamma
    return f"{baseline}_phi{phi:g}_a{a:g}_b{b:g}_g{c:g}"


def _positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise UserError(f"{name}: expected a number above 0, got {value}")
