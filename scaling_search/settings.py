"""All that decides a sweep's outcome, beside the baseline and the evaluator."""

import math
from dataclasses import dataclass
from typing import Literal

from nas.defaults.conf import default
from nas.search.pricing import COUNTED
from nas.trainings.strategies import FlatGrid, Race, Strategy
from scaling_search.grow.grid import Grid
from scaling_search.grow.grid_points import GridSettings
from search_spaces.errors import UserError


@dataclass(frozen=True, kw_only=True)
class SweepSettings(GridSettings):
    """The grid, the trainings done on it, and which candidates may win."""

    strategy: Literal["grid", "race"] = default("sweep/race", "strategy")
    """`race`: further seeds only for candidates that may still be the best, with as good an
    answer from half the trainings; `grid`: every candidate with every seed."""
    seeds: int = default("sweep/grid", "seeds")
    """How often a grid trains each candidate."""
    budget: int | None = default("sweep/race", "budget")
    """The most trainings that a race does; 2.5 a candidate when None."""
    seed: int = default("sweep/grid", "seed")
    """The first of the seeds."""
    asha: int | None = default("sweep/grid", "asha")
    """Epochs after which trainings in the lower two thirds are ended, and again after three times
    as many (asynchronous successive halving). None, as early epochs mislead about the last. With
    several workers, what is ended depends on who comes first."""
    cost: Literal["macs", "params", "activations", "latency"] = default("sweep/grid", "cost")
    """What a realised cost is, given to `run_sweep` as its price; latency is timed."""
    band: float = default("sweep/grid", "band")
    """The winner is sought among candidates whose realised cost is within this fraction of
    ratio^φ: 0.5 for ±50 %. Wide, since rounding moves costs far; dearer ones are favoured."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seeds < 1:
            raise UserError(f"seeds: expected at least 1, got {self.seeds}")
        if self.budget is not None and self.budget < 1:
            raise UserError(f"budget: expected at least 1, got {self.budget}")
        if self.strategy not in ("grid", "race"):
            raise UserError(f"strategy: expected grid or race, got {self.strategy!r}")
        if self.asha is not None and self.asha < 1:
            raise UserError(f"asha: expected at least 1, got {self.asha}")
        if self.cost not in (*COUNTED, "latency"):
            raise UserError(f"cost: expected {', '.join(COUNTED)} or latency, got {self.cost!r}")
        if not self.band > 0:
            raise UserError(f"band: expected a number above 0, got {self.band}")

    def cost_band(self) -> tuple[float, float]:
        """Realised cost ratios, from and to, among which the winner is sought."""
        target = self.target_ratio()
        return max(0.0, target * (1 - self.band)), target * (1 + self.band)

    def in_band(self, grid: Grid) -> tuple[int, ...]:
        """The candidates that may win, by index."""
        low, high = self.cost_band()
        return tuple(c.index for c in grid.candidates if low <= c.realised_ratio <= high)

    def plan(self, grid: Grid) -> Strategy:
        """What decides which trainings are done; a race leaves out who cannot win."""
        if self.strategy == "grid":
            seeds = tuple(range(self.seed, self.seed + self.seeds))
            return FlatGrid(len(grid.candidates), seeds)
        racing = self.in_band(grid)
        budget = math.ceil(2.5 * len(racing)) if self.budget is None else self.budget
        return Race(racing, self.seed, budget)
