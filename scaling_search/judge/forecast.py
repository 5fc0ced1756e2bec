"""What φ and the rounding of layers make of a grid, without training anything."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas.cli.columns import table
from nas.networks.cost import cost
from scaling_search.grow.grid import Candidate, Grid, GridSettings, Price, make_grid
from scaling_search.rule.compound import PAPER, Multipliers
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding

PHIS: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
ROUNDINGS: tuple[DepthRounding, ...] = ("ceil", "round")


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """A grid at one φ under one rounding."""

    grid: Grid
    apartness: float
    """How well neighbouring points can be told apart for the cost of training them: the mean
    squared distance of each point to its nearest, over the mean realised cost. Distances are in
    the logarithms of what each dimension alone realises in cost, 0 between merged points; the
    trainings that a decision takes fall with their square."""
    papers_ratio: float | None
    """What the paper's 1.2, 1.1, 1.15 realises, where it is on the grid."""

    @property
    def phi(self) -> float:
        return self.grid.settings.phi

    @property
    def depth_rounding(self) -> DepthRounding:
        return self.grid.settings.depth_rounding


def survey(
    baseline: Arch,
    settings: GridSettings,
    phis: Sequence[float] = PHIS,
    roundings: Sequence[DepthRounding] = ROUNDINGS,
    price: Price | None = None,
) -> tuple[SurveyRow, ...]:
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
            rows.append(SurveyRow(grid, _apartness(grid), _papers_ratio(grid)))
    if not rows:
        raise problem
    return tuple(rows)


def recommended(rows: Sequence[SurveyRow]) -> SurveyRow:
    """The row that tells candidates apart best for its cost."""
    return max(rows, key=lambda row: row.apartness)


def survey_text(rows: Sequence[SurveyRow]) -> str:
    """The rows as a table for the terminal, with the recommendation."""
    header = ("φ", "layers", "points", "networks", "depths", "realised", "paper's", "apartness")
    cells = [
        (
            f"{row.phi:g}",
            row.depth_rounding,
            row.grid.points,
            len(row.grid.candidates),
            row.grid.depth_vectors,
            "{:.2f}–{:.2f}×".format(*row.grid.realised_range),
            "" if row.papers_ratio is None else f"{row.papers_ratio:.2f}×",
            f"{row.apartness:.4f}",
        )
        for row in rows
    ]
    best = recommended(rows)
    advice = f"phi={best.phi:g} depth_rounding={best.depth_rounding}"
    return f"{table(header, cells)}\nbest told apart for the cost: {advice}"


def merge_map(grid: Grid) -> str:
    """A line a network: what it costs, and the grid points that all realise it."""
    return "\n".join(
        f"{candidate.index:>4}  {candidate.realised_ratio:.2f}×  "
        + " = ".join(f"({point})" for point in candidate.points)
        for candidate in grid.candidates
    )


def _apartness(grid: Grid) -> float:
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


def _position(candidate: Candidate, grid: Grid) -> tuple[float, float, float]:
    """Logarithm of the cost ratio that each dimension realises alone."""
    scaled, baseline = candidate.multipliers, grid.baseline
    depth, width, resolution = (
        math.log(
            cost(alone.apply(baseline, grid.settings.depth_rounding)).macs / cost(baseline).macs
        )
        for alone in (
            Multipliers(scaled.depth, 1, 1),
            Multipliers(1, scaled.width, 1),
            Multipliers(1, 1, scaled.resolution),
        )
    )
    return depth, width, resolution


def _papers_ratio(grid: Grid) -> float | None:
    ratios = [c.realised_ratio for c in grid.candidates if PAPER in c.points]
    return ratios[0] if ratios else None
