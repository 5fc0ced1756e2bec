"""The sampler seam: a config names a factory, and the factory makes Optuna samplers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler

from search_spaces.choices import Choice, Params


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a sampler may know beside the study: the choices, and all that is free to compute.

    A finished trial of the study has values [reward], or [accuracy, cost] where `reward` is None,
    and the user attribute `accuracy`; one that runs has its params.
    """

    choices: tuple[Choice, ...]
    """What may vary, in the order of the space."""
    cost: Callable[[Params], float]
    """Exact cost of a candidate (MACs, say), above 0."""
    facts: Callable[[Params], tuple[float, ...]] | None = None
    """The cost, and after it what else is exact, free and above 0: the network's size and capacity.
    None where the cost is all."""
    reward: Callable[[float, float], float] | None = None
    """Of accuracy and cost, rising with accuracy, maximised; None looks for the front of accuracy
    (up) and cost (down)."""
    allowed: Callable[[Params], bool] = lambda params: True
    """Whether a candidate is within the limits and neither tried nor being tried; once it is not,
    it never is again."""
    earlier: tuple[tuple[tuple[Params, float], ...], ...] = ()
    """Candidates with accuracies measured elsewhere, by source: under another proxy, or on another
    dataset. Knowledge that may mislead, and no results."""
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """For samplers: what would take time to compute again, such as prices. Nothing else."""


class SamplerFactory(Protocol):
    """What a sampler's config makes: samplers, a fresh one for each suggestion.

    A sampler keeps nothing that it could not compute again from the study: so a search that was
    interrupted goes on as it would have.
    """

    def make(self, problem: Problem, seed: int) -> BaseSampler:
        """Raises UserError for a problem that the sampler is not for."""
        ...


def distributions(choices: Iterable[Choice]) -> dict[str, BaseDistribution]:
    """The choices as the study stores them, in their own values: a kernel is 5, not option 1."""
    return {choice.name: _distribution(choice) for choice in choices}


def _distribution(choice: "Choice") -> BaseDistribution:
    """Evenly spaced ordered integers are numbers; all else is categorical."""
    options = choice.options
    if choice.ordered and all(type(option) is int for option in options):
        first, last = int(options[0]), int(options[-1])
        step = int(options[1]) - first if len(options) > 1 else 1
        if step > 0 and list(options) == list(range(first, last + 1, step)):
            return IntDistribution(first, last, step=step)
    return CategoricalDistribution(options)
