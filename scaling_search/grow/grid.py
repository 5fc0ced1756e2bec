"""The candidates of a grid over a rule's constants, merged by the network they realise.

EfficientNet (arXiv 1905.11946), §3.3, step 1: a grid over α, β, γ under α · β² · γ² ≈ 2.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import product

from nas.networks.cost import cost
from nas.searches.pricing import COUNTED
from scaling_search.grow.grid_points import GridSettings, nominal_points, values
from scaling_search.grow.grown import Grown
from scaling_search.rule.compound import COMPOUND
from scaling_search.rule.rule import Constants, Rule
from search_spaces.arch import Arch
from search_spaces.errors import UserError

GridPrice = Callable[[Arch], float]
"""What a network costs: MACs, say, or a latency; candidates are compared by its ratio to the
baseline's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Grown):
    """A grown network that one or more grid points realise."""

    index: int
    """Its place among the candidates of the grid."""
    points: tuple[Constants, ...]
    """All the grid points that realise it, ascending."""
    constants: Constants
    """The point standing for them: the nearest to the nominal ratio, the smallest where equal."""
    phi: float

    @property
    def depths(self) -> tuple[int, ...]:
        """The layers of each stage."""
        return tuple(stage.repeats for stage in self.arch.stages)


@dataclass(frozen=True, slots=True)
class Grid:
    """The candidates, and what they were made of."""

    baseline: Arch
    settings: GridSettings
    rule: Rule
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


def make_grid(
    baseline: Arch,
    settings: GridSettings,
    price: GridPrice | None = None,
    rule: Rule = COMPOUND,
) -> Grid:
    """The networks of the grid around `baseline`; priced in MACs unless told otherwise.

    Raises UserError where the constraint leaves none, saying what the nearest would need.
    """
    if settings.constraint == "nominal":
        points: Iterable[Constants] = nominal_points(settings, rule)
    else:
        numbers = [float(value) for value in values(settings)]
        dimensions = len(rule.dimensions)
        points = (Constants(rule, point) for point in product(numbers, repeat=dimensions))
    price = price or counted("macs")
    unit = price(baseline)
    candidates = [
        _candidate(arch, members, price(arch) / unit, baseline, settings)
        for arch, members in _merge(baseline, points, settings)
    ]
    if settings.constraint == "realised":
        candidates = _within(candidates, settings)
    numbered = (replace(candidate, index=i) for i, candidate in enumerate(candidates))
    return Grid(baseline, settings, rule, tuple(numbered))


def _merge(
    baseline: Arch, points: Iterable[Constants], settings: GridSettings
) -> list[tuple[Arch, list[Constants]]]:
    """Networks with the points that realise them, ordered by the first of these."""
    # Each dimension is rounded by itself, so points agreeing in each agree as a whole: of a
    # thousand points only the few distinct ones need be built.
    alike: dict[tuple[str, ...], list[Constants]] = defaultdict(list)
    keys: dict[tuple[str, float], str] = {}

    def key(rule: Rule, name: str, constant: float) -> str:
        if (name, constant) not in keys:
            alone = rule.constants(**{name: constant}).multipliers(settings.phi)
            keys[name, constant] = alone.apply(baseline, settings.depth_rounding).key()
        return keys[name, constant]

    for point in points:
        alike[tuple(key(point.rule, *named) for named in point.named().items())].append(point)
    networks: dict[str, tuple[Arch, list[Constants]]] = {}
    for members in alike.values():
        grown = members[0].multipliers(settings.phi).apply(baseline, settings.depth_rounding)
        networks.setdefault(grown.key(), (grown, []))[1].extend(members)
    return list(networks.values())


def _candidate(
    arch: Arch,
    points: Iterable[Constants],
    realised_ratio: float,
    baseline: Arch,
    settings: GridSettings,
) -> Candidate:
    ordered = sorted(points, key=lambda point: point.values)
    constants = min(ordered, key=lambda point: round(abs(point.product() - settings.ratio), 9))
    label = _label(constants, settings.phi)
    return Candidate(
        index=0,
        label=label,
        points=tuple(ordered),
        constants=constants,
        phi=settings.phi,
        multipliers=constants.multipliers(settings.phi),
        arch=arch.replace(name=f"{arch.name}_{label}"),
        baseline=baseline,
        cost=cost(arch),
        realised_ratio=realised_ratio,
    )


def _within(candidates: list[Candidate], settings: GridSettings) -> list[Candidate]:
    target = settings.target_ratio()

    def miss(candidate: Candidate) -> float:
        return abs(candidate.realised_ratio / target - 1)

    kept = [candidate for candidate in candidates if miss(candidate) <= settings.within + 1e-9]
    if not kept:
        nearest = min(candidates, key=miss)
        raise UserError(
            f"within: no network costs {target:.4g} × the baseline to within "
            f"{settings.within:.1%}; the nearest, {nearest.points[0]}, costs "
            f"{nearest.realised_ratio:.4g} ×, which needs {miss(nearest):.4f}"
        )
    return kept


def counted(name: str) -> GridPrice:
    """The price that follows from a network alone: `macs`, `params` or `activations`."""
    metric = COUNTED[name]
    return lambda arch: metric(arch, cost(arch))


def _label(constants: Constants, phi: float) -> str:
    """`phi1_a1.2_b1.1_g1.15`."""
    values = (f"{name[0]}{value:g}" for name, value in constants.named().items())
    return "_".join([f"phi{phi:g}", *values])
