"""What a search asks its sampler, and what it makes of the answers."""

from dataclasses import dataclass, field

from optuna.samplers import BaseSampler, PartialFixedSampler, RandomSampler

from nas.networks.cost import cost_and_capacity
from nas.samplers.base import Problem
from nas.searches.pricing import Macs, Parameters
from nas.searches.proposals import Limits, Proposer
from nas.searches.rewards import Soft
from search_spaces.space import load_space

SPACE = load_space(
    {"name": "kernels", "base": "efficientnet_b0", "vary": {"kernel": [3, 5, 7]}}, "space"
)


@dataclass
class Stubborn:
    """Always suggests the same candidate."""

    asked: list[int] = field(default_factory=list)

    def make(self, problem: Problem, seed: int) -> BaseSampler:
        self.asked.append(seed)
        smallest = {choice.name: choice.options[0] for choice in problem.choices}
        return PartialFixedSampler(smallest, RandomSampler(seed))


def test_a_sampler_that_insists_on_what_was_tried_is_given_a_neighbour_of_it() -> None:
    """And is not asked again and again: a Gaussian process takes seconds to say the same."""
    sampler = Stubborn()
    proposer = Proposer.resume(SPACE, sampler, Soft(4e8), Macs(), Limits(), 0, ())
    first, second = proposer.propose(0), proposer.propose(1)
    assert first is not None
    assert second is not None
    assert sum(first.params[name] != second.params[name] for name in first.params) == 1
    assert len(sampler.asked) == 3


def test_what_is_known_of_a_candidate_begins_with_its_cost() -> None:
    params = {choice.name: 5 for choice in SPACE.choices}
    of, capacity = cost_and_capacity(SPACE.decode(params))
    rest = capacity.params, capacity.activations
    for price, covariates in ((Macs(), (of.macs, of.params)), (Parameters(), (of.params, of.macs))):
        problem = Proposer.resume(SPACE, Stubborn(), Soft(4e8), price, Limits(), 0, ()).problem
        assert problem.covariates is not None
        assert problem.covariates(params) == (*covariates, *rest)
        assert problem.cost(params) == covariates[0]
