"""Zero-cost scores: how promising a network looks before any training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement, Report
from nas.evaluators.proxy import derive_seed
from nas.evaluators.scores import SCORES, ScoreName
from nas.networks.model import build
from nas.training.augment import normalise
from nas.training.data import Dataset, load, verify
from nas.training.fit import seeded
from nas.training.sources import Digits, Source
from nas.training.threads import threads
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.scaling import scale

_USUAL: Mapping[ScoreName, tuple[float, float]] = {
    "synflow": (75.0, 25.0),
    "naswot": (11.5, 1.0),
    "jacov": (-1.04, 0.03),
    "grad_norm": (6.0, 2.0),
}
"""A score that is usual, and how far others lie from it: over networks of `kernel_expand` and
`nas_bench_macro`, at 32 px. They are fixed, so that a score means the same in every run."""
_CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class ZeroCostEvaluator(Evaluator):
    """Scores a fresh network on one batch of training images.

    A score is no accuracy. For rewards that expect a fraction it is squashed into (0, 1), keeping
    the order: ½ + arctan((score − usual) / spread) / π. So its ranking means something, its size
    nothing, and a reward weighs it against the cost arbitrarily.
    """

    data: Source = field(default_factory=Digits)
    score: ScoreName = "naswot"
    images: int = 64
    """Of the batch."""
    width: float = 1.0
    """Channels of the network that is scored over those of the architecture."""
    depth: float = 1.0
    """Layers, likewise."""
    resolution: int = 32
    """Pixels a side that stand for `base_resolution`."""
    base_resolution: int = 224
    """An architecture of r pixels is scored at resolution · r / base_resolution."""

    def __post_init__(self) -> None:
        for name, least in (("images", 2), ("resolution", 1), ("base_resolution", 1)):
            if getattr(self, name) < least:
                raise UserError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        for name in ("width", "depth"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"{name}: expected above 0, got {getattr(self, name)}")

    def scored(self, arch: Arch) -> Arch:
        """The network that is scored in place of `arch`, but for its classes."""
        resolution = round(self.resolution * arch.resolution / self.base_resolution)
        try:
            scaled = scale(arch, self.depth, self.width, resolution)
        except UserError as error:
            raise UserError(f"evaluator: {arch.name} at {resolution} px: {error}") from error
        return scaled.replace(in_channels=3, dropout=0.0, drop_path=0.0)

    def check(self, arch: Arch) -> None:
        """Raises UserError where `arch` cannot be scored: for too few pixels, say."""
        self.scored(arch)

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """The squashed score; the same for the same `arch` and `seed`.

        The seed picks the images, the same for all architectures, and the initial weights. Raises
        EvaluationFailed where the network has no such score.
        """
        scored = self.scored(arch)
        data = load(self.data, scored.resolution)
        with threads(1), seeded(derive_seed(seed, arch), _CPU):
            model = build(scored.replace(num_classes=data.num_classes))
            found = SCORES[self.score](model, *_batch(data, self.images, seed))
        if not math.isfinite(found):
            raise EvaluationFailed(f"{self.score} is {found}")
        note = f"zero-cost score {self.score} {found:.6g}, not an accuracy"
        return Measurement(accuracy=squashed(self.score, found), note=note)

    def describe(self) -> Mapping[str, str | int | float]:
        """What was scored, for whoever takes it for an accuracy."""
        return {
            "score": f"{self.score}: a zero-cost score in (0, 1), not an accuracy",
            "dataset": self.data.name,
            "images": self.images,
            "resolution": self.resolution,
            "width": self.width,
            "depth": self.depth,
        }

    def prepare(self) -> None:
        """Reads the data; raises UserError where it cannot be used."""
        data = verify(self.data, self.resolution)
        if len(data.train) < self.images:
            raise UserError(
                f"evaluator.images: expected at most the {len(data.train)} images there are for "
                f"training, got {self.images}"
            )


def squashed(name: ScoreName, score: float) -> float:
    """A score in (0, 1); unlike a logistic it tells scores far from the usual apart."""
    usual, spread = _USUAL[name]
    return 0.5 + math.atan((score - usual) / spread) / math.pi


def _batch(data: Dataset, count: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(data.train), generator=generator)[:count]
    images = data.train.pixels.batch(chosen, _CPU)
    return normalise(images, data.mean, data.std), data.train.labels[chosen]
