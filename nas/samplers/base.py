"""What a sampler is: a config names a factory, and the factory makes Optuna samplers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler

if TYPE_CHECKING:
    from search_spaces.choices import Choice
    from search_spaces.space import Params


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a sampler may know beside the study: the choices, and all that is free to compute.

    A finished trial of the study has values [reward], or [accuracy, cost] where `reward` is None,
    and the user attribute `accuracy`; a running trial has its params.
    """

    choices: "tuple[Choice, ...]"
    """What may vary, in the order of the space."""
    cost: "Callable[[Params], float]"
    """The exact cost of a candidate (MACs, say), above 0."""
    covariates: "Callable[[Params], tuple[float, ...]] | None" = None
    """The cost of a candidate, and after it what else of it is exact, free to compute and above 0:
    its size and capacity. None where there is the cost alone."""
    reward: Callable[[float, float], float] | None = None
    """What is maximised: a function of accuracy and cost that rises with accuracy. None where the
    search looks for the front of accuracy (up) and cost (down)."""
    allowed: "Callable[[Params], bool]" = lambda params: True
    """Whether a candidate is within the limits and neither tried nor being tried. A candidate that
    was refused once is refused for ever."""
    earlier: "tuple[tuple[tuple[Params, float], ...], ...]" = ()
    """Candidates with accuracies measured elsewhere, by source: under another proxy, or on another
    dataset. They are no results of this search, and may mislead."""
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """Where samplers keep what would take time to compute again, such as costs, and nothing else"""


class SamplerFactory(Protocol):
    """What a sampler's config makes; it makes a fresh sampler for each suggestion.

    A sampler keeps nothing that it could not compute again from the study: so a search that was
    interrupted goes on as it would have.
    """

    def make(self, problem: Problem, seed: int) -> BaseSampler:
        """A sampler for the problem. Raises UserError for a problem that it cannot solve."""
        ...


def distributions(choices: "Iterable[Choice]") -> dict[str, BaseDistribution]:
    """The choices as the study stores them, in their own values: a kernel is 5, not option 1."""
    return {choice.name: _distribution(choice) for choice in choices}


def _distribution(choice: "Choice") -> BaseDistribution:
    """An integer for evenly spaced ordered options, a category for all others."""
    options = choice.options
    if choice.ordered and all(type(option) is int for option in options):
        first, last = int(options[0]), int(options[-1])
        step = int(options[1]) - first if len(options) > 1 else 1
        if step > 0 and list(options) == list(range(first, last + 1, step)):
            return IntDistribution(first, last, step=step)
    return CategoricalDistribution(options)
