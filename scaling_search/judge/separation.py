"""What φ and the rounding of layers make of a grid, without training anything."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scaling_search.grow.grid import Candidate, Grid, GridPrice, make_grid
from scaling_search.grow.grid_points import GridSettings
from scaling_search.grow.grown import macs_ratio
from scaling_search.rule.compound import PAPER
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding

PHIS: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
ROUNDINGS: tuple[DepthRounding, ...] = ("ceil", "round")


@dataclass(frozen=True, slots=True)
class GridAtPhi:
    """A grid at one φ under one rounding."""

    grid: Grid
    separation: float
    """How well neighbouring points can be told apart for the cost of training them: the mean
    squared distance of each point to its nearest, over the mean realised cost. Distances are in
    the logarithms of what each dimension alone realises in cost, 0 between merged points; the
    trainings that a decision takes fall with their square."""
    papers_ratio: float | None
    """What the paper's 1.2, 1.1, 1.15 realises, where it is on the grid."""

    @property
    def phi(self) -> float:
        """The φ that the grid's networks are built at."""
        return self.grid.settings.phi

    @property
    def depth_rounding(self) -> DepthRounding:
        """How the grid's networks round their layers."""
        return self.grid.settings.depth_rounding


def grids_at_phis(
    baseline: Arch,
    settings: GridSettings,
    phis: Sequence[float] = PHIS,
    roundings: Sequence[DepthRounding] = ROUNDINGS,
    price: GridPrice | None = None,
) -> tuple[GridAtPhi, ...]:
    """A row for each φ and rounding, and for those of `settings`; without those of no candidate.

    Raises UserError where no combination has a candidate.
    """
    rows, problem = [], UserError("phis: expected at least one")
    for phi in sorted({*phis, settings.phi}):
        for rounding in roundings:
            chosen = dataclasses.replace(settings, phi=phi, depth_rounding=rounding)
            try:
                grid = make_grid(baseline, chosen, price)
            except UserError as error:
                problem = error
                continue
            rows.append(GridAtPhi(grid, _separation(grid), _papers_ratio(grid)))
    if not rows:
        raise problem
    return tuple(rows)


def recommended(rows: Sequence[GridAtPhi]) -> GridAtPhi:
    """The row that tells candidates apart best for its cost."""
    return max(rows, key=lambda row: row.separation)


def _separation(grid: Grid) -> float:
    positions = [_position(candidate, grid) for candidate in grid.candidates]
    if len(positions) < 2:
        return 0.0
    points = np.array(positions)
    apart = np.square(points[:, None] - points[None, :]).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.min(axis=1)
    # A point that shares its network has its nearest at distance 0.
    alone = np.array([len(candidate.points) == 1 for candidate in grid.candidates])
    ratios = [candidate.realised_ratio for candidate in grid.candidates]
    return float(nearest[alone].sum() / grid.points / np.mean(ratios))


def _position(candidate: Candidate, grid: Grid) -> tuple[float, ...]:
    """Logarithm of the cost ratio that each dimension realises alone."""
    baseline, rounding = grid.baseline, grid.settings.depth_rounding
    alone = (
        grid.rule.multipliers(**{name: value}).apply(baseline, rounding)
        for name, value in candidate.multipliers.named().items()
    )
    return tuple(math.log(macs_ratio(arch, baseline)) for arch in alone)


def _papers_ratio(grid: Grid) -> float | None:
    ratios = [c.realised_ratio for c in grid.candidates if PAPER in c.points]
    return ratios[0] if ratios else None
