"""A proxy's or a supernet's accuracy put right by scores of the untrained network."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scipy.special import expit, logit

from nas.defaults.conf import default
from nas.evaluators import asked
from nas.evaluators.base import Evaluator, Measurement, Report
from nas.evaluators.measured import measured
from nas.evaluators.proxy import ProxyEvaluator
from nas.evaluators.wrapper import Wrapper
from nas.evaluators.zero_cost import ZeroCostEvaluator
from search_spaces.arch import Arch
from search_spaces.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ScoredEvaluator(Wrapper):
    """Corrects what trained weights reached by what the untrained network promised:

        expit(logit(trained) + worth · untrained) ^ (1 / spread)

    Trainings and scores misjudge different networks, so that both rank better than either.
    It holds for networks of the space that it was tried on: elsewhere, `proxy-check` tells first
    what scores promise.
    """

    trained: Evaluator = field(default_factory=ProxyEvaluator)
    """What trains: a proxy, or a supernet."""
    untrained: ZeroCostEvaluator = field(default_factory=ZeroCostEvaluator)
    worth: float = default("evaluator/scored_proxy", "worth")
    """By how much one unit of score raises the logarithm of the odds of a right answer."""
    spread: float = default("evaluator/scored_proxy", "spread")
    """How far such accuracies lie apart, over how far those of full trainings do, as `proxy-check`
    measures it. Dividing by it lets a reward weigh them against the cost as it would weigh full
    trainings."""

    def __post_init__(self) -> None:
        if not 0 <= self.worth < math.inf:
            raise UserError(f"worth: expected at least 0, got {self.worth}")
        if not 0 < self.spread < math.inf:
            raise UserError(f"spread: expected above 0, got {self.spread}")

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """Give the estimate after each epoch and at last; equal for the same `arch` and `seed`.

        Raises EvaluationFailed where the network has no such score, before it is trained.
        """
        promise = self.untrained.promise(arch, seed)
        found = measured(
            self.trained,
            arch,
            seed,
            lambda epoch, trained: report(epoch, self.estimate(trained, promise.value)),
        )
        notes = (f"trained to {found.accuracy:.4f}, {promise.note}", found.note)
        return replace(
            found,
            accuracy=self.estimate(found.accuracy, promise.value),
            curve=tuple(self.estimate(trained, promise.value) for trained in found.curve),
            note="; ".join(note for note in notes if note),
        )

    def estimate(self, trained: float, untrained: float) -> float:
        """Correct an accuracy by a mean score."""
        raised = expit(logit(trained) + self.worth * untrained)
        return float(raised ** (1 / self.spread))

    def for_scaled_networks(self) -> Evaluator:
        """Give what trains them, alone: scores grow with the networks."""
        return asked.for_scaled_networks(self.trained)

    def stand_alone(self) -> Evaluator | None:
        """Give what trains networks alone, where `trained` does not; the scores are known then."""
        return asked.stand_alone(self.trained)

    def describe(self) -> Mapping[str, str | int | float]:
        """Describe the training, and what else there is to its accuracy."""
        names = " + ".join(self.untrained.scores)
        return {**asked.description(self.trained), "estimate with": names}
