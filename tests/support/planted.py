"""An evaluator of which it is known what recipe, architecture and scaling are worth."""

import hashlib
import random
from dataclasses import dataclass, field
from pathlib import Path

from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement, Report
from nas.training.recipe import Recipe
from search_spaces.arch import Arch

WORTH = {"recipe": 3.2, "architecture": 1.6, "scaling": 0.6}
"""In points."""
TOGETHER = 0.8
"""In points: the interaction of recipe and architecture."""


@dataclass(frozen=True, kw_only=True)
class Planted(Evaluator):
    """Tells the full parts of a system from their plain versions, and adds up what they bring.

    A schedule of steps is a plain recipe; separable convolutions are a plain architecture; 224
    pixels are those of a network that grew in width alone.
    """

    recipe: Recipe = field(default_factory=Recipe)
    dropout: float = 0.0
    noise: float = 0.004
    diary: str = ""
    """A file that gets a line for each training."""
    fails: str = ""
    """The seeds, as digits, with which a plain recipe diverges on the plain architecture."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        sign = {
            "recipe": -1 if self.recipe.schedule == "exponential" else 1,
            "architecture": -1 if arch.stages[0].op == "sepconv" else 1,
            "scaling": -1 if arch.resolution == 224 else 1,
        }
        if self.diary:
            with Path(self.diary).open("a") as file:
                file.write(f"{self.recipe.schedule} {arch.key()} {seed} {self.dropout}\n")
        if str(seed) in self.fails and sign["recipe"] + sign["architecture"] == -2:
            raise EvaluationFailed("diverged: loss nan at epoch 1")
        points = sum(worth * sign[part] / 2 for part, worth in WORTH.items())
        points += TOGETHER / 2 * sign["recipe"] * sign["architecture"]
        text = f"{seed} {arch.key()} {self.recipe.schedule}"
        rng = random.Random(hashlib.sha256(text.encode()).hexdigest())
        return Measurement(accuracy=0.7 + points / 100 + rng.gauss(0, self.noise))

    def describe(self) -> dict[str, str | int | float]:
        return {"dataset": "planted"}
