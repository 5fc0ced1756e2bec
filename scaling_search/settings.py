"""All that decides a sweep's outcome, beside the baseline and the evaluator."""

from dataclasses import dataclass

from scaling_search.grid import GridSettings
from scaling_search.strategies import FlatGrid, Strategy
from search_spaces.errors import UserError


@dataclass(frozen=True, kw_only=True)
class SweepSettings(GridSettings):
    """The grid, the trainings done on it, and which candidates may win."""

    seeds: int = 3
    """Trainings of each candidate."""
    seed: int = 0
    """The first of the seeds."""
    band: float = 0.5
    """The winner is sought among candidates whose realised cost is within this fraction of
    ratio^φ: 0.5 for ±50 %. Wide, since rounding moves costs far; dearer ones are favoured."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seeds < 1:
            raise UserError(f"seeds: expected at least 1, got {self.seeds}")
        if not self.band > 0:
            raise UserError(f"band: expected a number above 0, got {self.band}")

    def cost_band(self) -> tuple[float, float]:
        """Realised cost ratios, from and to, among which the winner is sought."""
        target = self.target_ratio()
        return max(0.0, target * (1 - self.band)), target * (1 + self.band)

    def strategy(self, candidates: int) -> Strategy:
        """What decides which trainings are done."""
        return FlatGrid(candidates, tuple(range(self.seed, self.seed + self.seeds)))
