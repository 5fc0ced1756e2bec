"""All that decides a sweep's outcome, beside the baseline and the evaluator."""

import math
from dataclasses import dataclass
from typing import Literal

from nas.defaults.conf import default
from nas.searches.pricing import COUNTED
from scaling_search.grow.grid import Grid
from scaling_search.grow.grid_points import GridSettings
from search_spaces.errors import UserError


@dataclass(frozen=True, kw_only=True)
class SweepSettings(GridSettings):
    """The grid, the trainings done on it, and which candidates may win."""

    strategy: Literal["model", "race", "grid"] = default("sweep/model", "strategy")
    """`model`: a model of accuracy over depth, width and resolution says what to train next, and
    names α, β, γ; `race`: further seeds only for candidates that may still be the best; `grid`:
    every candidate with every seed, the paper's own method."""
    seeds: int = default("sweep/grid", "seeds")
    """How often a grid trains each candidate."""
    budget: int | None = default("sweep/model", "budget")
    """The most trainings that a model or a race does; when None, 1.25 a candidate
    but at least 20, or 2.5 a candidate."""
    tolerance_points: float = default("sweep/model", "tolerance_points")
    """A model's sweep ends when the best candidate is expected to be no more than so many
    percentage points more accurate than the one it would name."""
    phis: tuple[float, ...] = default("sweep/model", "phis")
    """Other φ at which a model trains a few networks around the published constants, to see
    whether the best direction turns with cost, and what more cost brings."""
    epochs: tuple[int, ...] = default("sweep/model", "epochs")
    """Other numbers of epochs that a model trains a few networks for once the rest is trained,
    beside the budget, to see whether the best direction turns with the length of training."""
    snap: bool = default("sweep/model", "snap")
    """Whether a model names the grid point of its best candidate, not its own α, β, γ."""
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
        self._check_whole("seeds", self.seeds, 1)
        self._check_whole("budget", self.budget, 1)
        self._check_whole("seed", self.seed, 0)
        self._check_whole("asha", self.asha, 1)
        if self.strategy not in ("model", "race", "grid"):
            raise UserError(f"strategy: expected model, race or grid, got {self.strategy!r}")
        if not (math.isfinite(self.tolerance_points) and self.tolerance_points >= 0):
            raise UserError(
                f"tolerance_points: expected a number of at least 0, got {self.tolerance_points}"
            )
        for phi in self.phis:
            if not (math.isfinite(phi) and phi > 0 and phi != self.phi):
                raise UserError(
                    f"phis: expected numbers above 0 other than phi = {self.phi:g}, got {phi}"
                )
        if len(set(self.phis)) < len(self.phis):
            raise UserError(f"phis: expected each φ once, got {list(self.phis)}")
        if self.phis and self.strategy != "model":
            raise UserError(f"phis: trained by strategy=model alone, not by {self.strategy}")
        self._check_epochs()
        if self.cost not in (*COUNTED, "latency"):
            raise UserError(f"cost: expected {', '.join(COUNTED)} or latency, got {self.cost!r}")
        if not self.band > 0:
            raise UserError(f"band: expected a number above 0, got {self.band}")

    def _check_whole(self, name: str, given: object, least: int) -> None:
        if given is None:
            return
        if isinstance(given, bool) or not isinstance(given, int) or given < least:
            raise UserError(f"{name}: expected a whole number of at least {least}, got {given!r}")

    def _check_epochs(self) -> None:
        for epochs in self.epochs:
            if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
                raise UserError(f"epochs: expected whole numbers of at least 1, got {epochs!r}")
        if len(set(self.epochs)) < len(self.epochs):
            raise UserError(f"epochs: expected each number once, got {list(self.epochs)}")
        if self.epochs and self.strategy != "model":
            raise UserError(f"epochs: trained by strategy=model alone, not by {self.strategy}")
        if self.epochs and self.asha is not None:
            raise UserError(
                f"epochs: lengths are compared of trainings that reach their end; expected asha "
                f"null, got {self.asha}"
            )

    def cost_band(self) -> tuple[float, float]:
        """Realised cost ratios, from and to, among which the winner is sought."""
        target = self.target_ratio()
        return max(0.0, target * (1 - self.band)), target * (1 + self.band)

    def in_band(self, grid: Grid) -> tuple[int, ...]:
        """The candidates that may win, by index."""
        low, high = self.cost_band()
        return tuple(c.index for c in grid.candidates if low <= c.realised_ratio <= high)
