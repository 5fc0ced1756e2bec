"""Proxy accuracy put right by scores of the untrained network."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

from scipy.special import expit, logit

from nas.defaults.conf import default
from nas.evaluators.base import Evaluator, Measurement, Report
from nas.evaluators.proxy import ProxyEvaluator
from nas.evaluators.zero_cost import ZeroCostEvaluator
from nas.training.shared import SharedImages
from search_spaces.arch import Arch
from search_spaces.errors import UserError

Pair = tuple[SharedImages, SharedImages]
"""What the training reads, and what the scores do."""


@dataclass(frozen=True, kw_only=True)
class ScoredProxyEvaluator(Evaluator):
    """What a short training reached, better the more the untrained network promised:

        expit(logit(trained) + worth · untrained) ^ (1 / spread)

    Short trainings and scores misjudge different networks, so that both rank better than either.
    For networks of the space it was tried on: what scores promise elsewhere is to be seen by
    `proxy-check` first.
    """

    trained: ProxyEvaluator = field(default_factory=ProxyEvaluator)
    untrained: ZeroCostEvaluator = field(default_factory=ZeroCostEvaluator)
    worth: float = default("evaluator/scored_proxy", "worth")
    """By how much one unit of score raises the logarithm of the odds of a right answer."""
    spread: float = default("evaluator/scored_proxy", "spread")
    """How far such accuracies lie apart over how far those of full trainings do, as `proxy-check`
    says. Evened out, so that a reward weighs them against the cost as it would the latter."""

    def __post_init__(self) -> None:
        if not 0 <= self.worth < math.inf:
            raise UserError(f"worth: expected at least 0, got {self.worth}")
        if not 0 < self.spread < math.inf:
            raise UserError(f"spread: expected above 0, got {self.spread}")

    def check(self, arch: Arch) -> None:
        """Raises UserError where `arch` cannot be trained or scored: for too few pixels, say."""
        self.trained.check(arch)
        self.untrained.check(arch)

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """The estimate, after each epoch and at last; the same for the same `arch` and `seed`.

        Raises EvaluationFailed where the network has no such score, before it is trained.
        """
        promise = self.untrained.standing(arch, seed)
        measured = self.trained.evaluate(
            arch, seed, lambda epoch, trained: report(epoch, self.estimate(trained, promise.value))
        )
        notes = (f"trained to {measured.accuracy:.4f}, {promise.note}", measured.note)
        return replace(
            measured,
            accuracy=self.estimate(measured.accuracy, promise.value),
            curve=tuple(self.estimate(trained, promise.value) for trained in measured.curve),
            note="; ".join(note for note in notes if note),
        )

    def estimate(self, trained: float, untrained: float) -> float:
        """Of a proxy accuracy and a mean score."""
        raised = expit(logit(trained) + self.worth * untrained)
        return float(raised ** (1 / self.spread))

    def measuring(self) -> ProxyEvaluator:
        """The training alone."""
        return self.trained

    def needs(self, arch: Arch) -> tuple[int, int] | None:
        """Both resolutions; None where the images of one do not fit in memory."""
        trained, untrained = self.trained.needs(arch), self.untrained.needs(arch)
        return None if trained is None or untrained is None else (trained, untrained)

    def fetch(self, need: Hashable) -> Pair:
        """The images at both resolutions. Raises UserError for data that cannot be used."""
        if not isinstance(need, tuple):
            raise TypeError(f"expected two resolutions, got {need!r}")
        return self.trained.fetch(need[0]), self.untrained.fetch(need[1])

    def given(self, data: Pair) -> "ScoredProxyEvaluator":
        """The same with these images at hand."""
        trained, untrained = self.trained.given(data[0]), self.untrained.given(data[1])
        return replace(self, trained=trained, untrained=untrained)

    def sparing(self, halvings: int) -> "ScoredProxyEvaluator":
        """The same, training in smaller parts of a batch."""
        return replace(self, trained=self.trained.sparing(halvings))

    def describe(self) -> Mapping[str, str | int | float]:
        """The training, and that its accuracy is not all there is to it."""
        names = " + ".join(self.untrained.scores)
        return {**self.trained.describe(), "estimate with": names}

    def found(self) -> str:
        """What the data of the training are. Raises UserError as `prepare`."""
        return self.trained.found()

    def class_names(self) -> tuple[str, ...]:
        """The data's classes, in order. Raises UserError for data that cannot be used."""
        return self.trained.class_names()

    def identity(self) -> Mapping[str, object]:
        """All that the estimate depends on. Raises UserError for data that cannot be used."""
        return {
            "trained": self.trained.identity(),
            "untrained": self.untrained.identity(),
            "worth": self.worth,
            "spread": self.spread,
        }

    def prepare(self) -> None:
        """Reads the data; raises UserError where it, or the device, is not to be had."""
        for name, part in (("trained", self.trained), ("untrained", self.untrained)):
            try:
                part.prepare()
            except UserError as error:
                raise UserError(str(error).replace("evaluator.", f"evaluator.{name}.", 1)) from None
