"""Zero-cost scores: how promising a network looks before any training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nas.data.dataset import Dataset, identity, load, verify
from nas.defaults.conf import default
from nas.evaluators.base import Effort, EvaluationFailed, Measurement, ProgressReport, Report
from nas.evaluators.effort import timed
from nas.evaluators.proxy import derive_seed
from nas.evaluators.scores import SCORES, Pass, ScoreName
from nas.evaluators.slim import SlimEvaluator
from nas.networks.model import build
from nas.training.augment import normalise
from nas.training.fit import seeded
from nas.training.threads import threads
from search_spaces.arch import Arch
from search_spaces.errors import UserError

_USUAL: Mapping[ScoreName, tuple[float, float]] = {
    "synflow": (75.0, 8.0),
    "naswot": (11.5, 0.3),
    "jacov": (-1.04, 0.01),
    "grad_norm": (6.0, 0.3),
}
"""The usual value of each score, and how far the scores of one space lie apart, as measured over
`kernel_expand`, `accel_nasbench` and `nas_bench_macro`. They are fixed, so that a score means the
same in every run."""
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Promise:
    """How promising a network looks."""

    value: float
    """The mean of its scores: each less what is usual, over how far those of a space lie apart."""
    note: str
    """The scores themselves."""


@dataclass(frozen=True, kw_only=True)
class ZeroCostEvaluator(SlimEvaluator):
    """Scores fresh networks on one batch of training images.

    A score is no accuracy. For rewards that expect a fraction, the mean of the scores is squashed
    into (0, 1), keeping the order: ½ + arctan(mean) / π. So its ranking means something, its size
    nothing, and a reward weighs it against the cost arbitrarily.
    """

    scores: tuple[ScoreName, ...] = default("evaluator/zero_cost", "scores")
    """Names of the scores; of several, the mean counts."""
    images: int = default("evaluator/zero_cost", "images")
    """Images of the batch that is scored."""

    def __post_init__(self) -> None:
        if not self.scores:
            raise UserError(f"scores: expected at least one of {', '.join(SCORES)}, got none")
        self._check_least("images", least=2)
        super().__post_init__()

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """Give the squashed scores; equal for the same `arch` and `seed`. Raises as `promise`."""
        promise = self.promise(arch, seed)
        note = f"zero-cost {promise.note}, not an accuracy"
        return Measurement(accuracy=squashed(promise.value), note=note)

    def promise(self, arch: Arch, seed: int) -> Promise:
        """Say how promising `arch` looks.

        The seed picks the images, the same for all architectures, and the initial weights. Raises
        EvaluationFailed where the network has no such score.
        """
        slim = self.slim(arch)
        data = self._dataset(slim.resolution)
        fresh = slim.replace(num_classes=data.num_classes, dropout=0.0, drop_path=0.0)
        batch = _batch(data, self.images, seed)
        found: dict[ScoreName, float] = {}
        with threads(1), seeded(derive_seed(seed, arch), _CPU):
            scored = Pass(build(fresh), *batch)
            for name in self.scores:
                found[name] = SCORES[name](scored)
                if not math.isfinite(found[name]):
                    raise EvaluationFailed(f"{name} is {found[name]}")
        note = ", ".join(f"{name} {score:.6g}" for name, score in found.items())
        return Promise(combined(found), note)

    def effort(self, arch: Arch) -> Effort:
        """Time the scores of one network."""
        return Effort(evaluation=timed(lambda: self.promise(arch, 0)))

    def describe(self) -> Mapping[str, str | int | float]:
        """Say what was scored, for whoever takes it for an accuracy."""
        return {
            "score": f"{' + '.join(self.scores)}: zero-cost, in (0, 1), not an accuracy",
            "dataset": self.data.name,
            "data digest": identity(self.data)["digest"],
            "images": self.images,
            "resolution": self.resolution,
            "width": self.width,
            "depth": self.depth,
        }

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        """Read the data; raises UserError where they cannot be used."""
        verify(self.data, self.resolution)
        data = load(self.data, self.resolution)
        if len(data.train) < self.images:
            raise UserError(
                f"evaluator.images: expected at most the {len(data.train)} images there are for "
                f"training, got {self.images}"
            )


def combined(scores: Mapping[ScoreName, float]) -> float:
    """Average scores: each less what is usual, over how far those of a space lie apart."""
    apart = [(score - _USUAL[name][0]) / _USUAL[name][1] for name, score in scores.items()]
    return math.fsum(apart) / len(apart)


def squashed(promise: float) -> float:
    """Squash into (0, 1); unlike a logistic it tells scores far from the usual apart."""
    return 0.5 + math.atan(promise) / math.pi


def _batch(data: Dataset, count: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(data.train), generator=generator)[:count]
    images = data.train.pixels.batch(chosen, _CPU)
    return normalise(images, data.mean, data.std), data.train.labels[chosen]
