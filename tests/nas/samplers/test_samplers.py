"""What every sampler of conf/sampler keeps to: a new option is held to it by being there."""

import itertools
import random
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import optuna
import pytest
import yaml
from optuna.distributions import BaseDistribution, IntDistribution
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from nas.defaults.conf import config_dir
from nas.networks.cost import cost
from nas.samplers.base import Problem, SamplerFactory, distributions
from nas.searches.pricing import Macs
from nas.searches.proposals import Limits, Proposal, Proposer
from nas.searches.rewards import Soft
from nas.verbs.config import make
from search_spaces.choices import Choice
from search_spaces.errors import UserError
from search_spaces.space import Space, load_space

NAMES = sorted(path.stem for path in (config_dir() / "sampler").glob("*.yaml"))
BASE = {
    "name": "tiny",
    "resolution": 32,
    "num_classes": 10,
    "stem": {"channels": 8, "stride": 1},
    "stages": [
        {"channels": 8, "kernel": 3, "expand": 3},
        {"channels": 16, "kernel": 3, "expand": 3, "stride": 2},
        {"channels": 24, "kernel": 3, "expand": 3, "stride": 2},
    ],
    "head": {"channels": 32},
}
JOINT = {"thin": {"kernel": 3, "expand": 3}, "wide": {"kernel": 5, "expand": 6}, "skip": {"se": 0}}
SPACES: Mapping[str, Mapping[str, Any]] = {
    "usual": {"vary": {"kernel": [3, 5, 7], "expand": [3, 6], "repeats": [1, 2]}},
    "one candidate": {"vary": {"kernel": [3]}},
    "two candidates": {"stages": {1: {"kernel": [3, 5]}}},
    "one choice": {"stages": {1: {"kernel": [3, 5, 7]}}},
    "joint choices": {"vary": {"block": JOINT}},
    "spelt twice": {
        "stages": {
            1: {"op": {"there": {"op": "mbconv"}, "not": {"repeats": 1}}, "kernel": [3, 5]},
            2: {"se": {"no": {"se": 0}, "a bit": {"se": 0.25}}, "layers": [0, 1]},
        }
    },
    "many options": {"stages": {1: {"channels": list(range(1, 10_001))}}},
}
SMALL = ("one candidate", "two candidates", "one choice", "joint choices", "spelt twice")
"""Few enough to try every network of."""
REWARD = Soft(target=1e6)

every_sampler = pytest.mark.parametrize("name", NAMES)
every_sampler_with_one_and_two = pytest.mark.parametrize(
    ("name", "front"), [(name, front) for name in NAMES for front in (False, True)]
)


def count(name: str) -> int:
    """Trials that are enough to see a sampler's own way, beyond its first random ones."""
    return {"gp": 11, "evolution": 52, "nsga2": 22}.get(name, 14)


def factory(name: str) -> SamplerFactory:
    config = yaml.safe_load((config_dir() / f"sampler/{name}.yaml").read_text())
    made: SamplerFactory = make(config, "sampler")
    return made


def space(name: str = "usual") -> Space:
    return load_space({"name": "tiny", "base": BASE, **SPACES[name]}, "space")


def accuracy(params: Mapping[str, Any], choices: Iterable[Choice]) -> float:
    """A smooth truth, in which choices differ in weight."""
    shares = [c.options.index(params[c.name]) / max(1, len(c.options) - 1) for c in choices]
    return 0.6 + 0.3 * sum(share / (2 + i) for i, share in enumerate(shares)) / len(shares or "_")


def proposer(
    name: str,
    where: Space,
    *,
    finished: Iterable[FrozenTrial] = (),
    front: bool = False,
    limits: Limits | None = None,
    seed: int = 1,
) -> Proposer:
    reward = None if front else REWARD
    limits = limits or Limits()
    return Proposer.resume(where, factory(name), reward, Macs(), limits, seed, finished)


def finish(where: Proposer, candidate: Proposal, *, failed: bool = False) -> FrozenTrial:
    """Tell the proposer, as a search does; what the search would have put on disk."""
    measured = accuracy(candidate.params, where.space.choices)
    values = [measured, candidate.cost.macs]
    if where.reward:
        values = [where.reward(measured, candidate.cost.macs)]
    asked = where.study.get_trials(deepcopy=False)[candidate.trial.number]
    own = {name: value for name, value in asked.system_attrs.items() if name != "fixed_params"}
    trial = create_trial(
        state=TrialState.FAIL if failed else TrialState.COMPLETE,
        values=None if failed else values,
        params=dict(candidate.params),
        distributions=asked.distributions,
        user_attrs={"key": candidate.arch.key(), "accuracy": None if failed else measured},
        system_attrs=own,
    )
    where.tell(candidate, trial)
    return trial


def one_by_one(where: Proposer, numbers: Iterable[int]) -> tuple[list[str], list[FrozenTrial]]:
    """Keys of the networks proposed, and their trials, until there is none left."""
    keys, trials = [], []
    for number in numbers:
        candidate = where.propose(number)
        if candidate is None:
            break
        keys.append(candidate.arch.key())
        trials.append(finish(where, candidate))
    return keys, trials


def refuses(name: str, front: bool) -> bool:
    """Whether a sampler is not for so many objectives; it says so on one line."""
    problem = Problem(choices=choices(), cost=lambda p: 1.0, reward=None if front else REWARD)
    try:
        factory(name).make(problem, 0)
    except UserError as error:
        message = str(error)
    else:
        return False
    assert "is for one objective" in message
    return True


@every_sampler
def test_a_reward_is_an_objective_for_every_sampler(name: str) -> None:
    assert not refuses(name, front=False)


@every_sampler_with_one_and_two
@pytest.mark.parametrize("where", SPACES)
def test_candidates_are_of_the_space_and_none_comes_twice(
    name: str, front: bool, where: str
) -> None:
    if refuses(name, front):
        return
    there = proposer(name, space(where), front=front)
    most = count(name) if where == "usual" else 11
    keys, trials = one_by_one(there, range(most))
    assert len(keys) == len(set(keys)) == min(most, networks(there.space))
    for trial in trials:
        for choice in there.space.choices:
            value = trial.params[choice.name]
            assert value in choice.options
            assert type(value) is type(choice.options[choice.options.index(value)])


def networks(where: Space) -> int:
    """How many there are to find; a dozen will do."""
    if where.size > 1000:
        return 1000
    names = [choice.name for choice in where.choices]
    all_params = itertools.product(*(choice.options for choice in where.choices))
    return len({where.decode(dict(zip(names, o, strict=True))).key() for o in all_params})


@every_sampler
@pytest.mark.parametrize("where", SMALL)
def test_a_small_space_is_tried_whole_and_then_nothing_is_left(name: str, where: str) -> None:
    there = proposer(name, space(where))
    keys, _ = one_by_one(there, range(100))
    assert len(keys) == len(set(keys)) == networks(there.space)
    assert there.propose(100) is None


@every_sampler_with_one_and_two
def test_workers_side_by_side_get_different_candidates(name: str, front: bool) -> None:
    if refuses(name, front):
        return
    there = proposer(name, space(), front=front)
    running = [there.propose(number) for number in range(8)]
    keys = [candidate.arch.key() for candidate in running if candidate]
    order = random.Random(3)
    for number in range(8, count(name) + 8):
        finish(there, running.pop(order.randrange(len(running))))
        running.append(there.propose(number))
        keys.append(running[-1].arch.key())
    assert len(keys) == len(set(keys)) == count(name) + 8


@every_sampler
def test_seeds_repeat_and_differ(name: str) -> None:
    def keys(seed: int) -> list[str]:
        return one_by_one(proposer(name, space(), seed=seed), range(count(name)))[0]

    first = keys(1)
    assert keys(1) == first
    # In a space this small, two seeds may well come to the same.
    assert any(keys(other) != first for other in (2, 3))


@every_sampler_with_one_and_two
def test_a_search_that_was_stopped_goes_on_as_it_would_have(name: str, front: bool) -> None:
    if refuses(name, front):
        return
    most = count(name)
    keys, trials = one_by_one(proposer(name, space(), front=front), range(most))
    for done in (1, most - 3, most - 1):
        rest = proposer(name, space(), front=front, finished=trials[:done])
        assert one_by_one(rest, range(done, most))[0] == keys[done:]


@every_sampler
def test_a_search_that_was_killed_goes_on_from_what_was_finished(name: str) -> None:
    """Whatever ran when it was killed, and in whatever order the rest was finished."""
    there = proposer(name, space())
    first = max(0, count(name) - 12)
    _, trials = one_by_one(there, range(first))
    running = [there.propose(first + n) for n in range(12)]
    trials += [finish(there, running[n]) for n in (3, 0, 1, 9, 2, 11, 5, 4)]
    trials.append(finish(there, running[6], failed=True))
    killed = [first + n for n in (7, 8, 10)]
    resumed = [one_by_one(proposer(name, space(), finished=trials), killed)[0] for _ in range(2)]
    assert resumed[0] == resumed[1]
    assert not set(resumed[0]) & {trial.user_attrs["key"] for trial in trials}

    trials += [finish(there, running[n]) for n in (10, 7, 8)]
    after = range(first + 12, first + 14)
    ahead = proposer(name, space(), finished=trials)
    assert one_by_one(ahead, after)[0] == one_by_one(there, after)[0]


@every_sampler_with_one_and_two
def test_limits_are_kept_and_reached(name: str, front: bool) -> None:
    if refuses(name, front):
        return
    where = space()
    costs = sorted(cost(where.decode(where.sample(random.Random(i)))).macs for i in range(50))
    limits = Limits(macs_max=costs[12])
    there = proposer(name, where, front=front, limits=limits)
    _, trials = one_by_one(there, range(count(name)))
    found = [cost(where.decode(trial.params)).macs for trial in trials]
    assert len(found) == count(name)
    assert max(found) <= costs[12]


@every_sampler_with_one_and_two
def test_failed_candidates_are_passed_over(name: str, front: bool) -> None:
    if refuses(name, front):
        return
    there = proposer(name, space(), front=front)
    keys = []
    for number in range(count(name)):
        candidate = there.propose(number)
        keys.append(candidate.arch.key())
        finish(there, candidate, failed=number < 3 or number % 2 == 0)
    assert len(set(keys)) == count(name)


@every_sampler
def test_one_that_has_only_failures_to_go_by_goes_on(name: str) -> None:
    there = proposer(name, space())
    keys = set()
    for number in range(12):
        candidate = there.propose(number)
        keys.add(candidate.arch.key())
        finish(there, candidate, failed=True)
    assert len(keys) == 12


# --- In anybody's study: no proposer, no space, no limits ---


def choices(tiles: int = 12) -> tuple[Choice, ...]:
    return (
        Choice("kernel", (3, 5, 7), ordered=True),
        Choice("width", (0.75, 1.0, 1.25), ordered=True),
        Choice("op", ("conv", "mbconv", "identity"), ordered=False),
        Choice("se", (False, True), ordered=False),
        Choice("stride", (2,), ordered=True),
        Choice("tile", tuple(f"t{i}" for i in range(tiles)), ordered=False),
    )


def problem(front: bool, tiles: int = 12) -> Problem:
    return Problem(
        choices=choices(tiles),
        cost=lambda params: 1e6 * float(params["kernel"]) * float(params["width"]),
        reward=None if front else REWARD,
    )


def study(name: str, front: bool, tiles: int = 12) -> optuna.Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = factory(name).make(problem(front, tiles), 0)
    directions = ["maximize", "minimize"] if front else ["maximize"]
    return optuna.create_study(directions=directions, sampler=sampler)


def suggest(trial: Trial, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high, step=distribution.step)
    assert isinstance(distribution, optuna.distributions.CategoricalDistribution)
    return trial.suggest_categorical(name, distribution.choices)


def objective(front: bool, trial: Trial, tiles: int = 12) -> float | tuple[float, float]:
    vary = choices(tiles)
    params = {name: suggest(trial, name, d) for name, d in distributions(vary).items()}
    measured = accuracy(params, vary)
    trial.set_user_attr("accuracy", measured)
    price = problem(front).cost(params)
    return (measured, price) if front else REWARD(measured, price)


@every_sampler_with_one_and_two
def test_optimize_in_a_plain_study(name: str, front: bool) -> None:
    if refuses(name, front):
        return
    tiles = 1_000 if name == "gp" else 10_000  # of which it looks at each, again and again
    there = study(name, front, tiles)
    there.optimize(lambda trial: objective(front, trial, tiles), n_trials=11)
    assert [trial.state for trial in there.trials] == [TrialState.COMPLETE] * 11
    for trial in there.trials:
        for choice in choices(tiles):
            value = trial.params[choice.name]
            assert type(value) is type(choice.options[0])
            assert value in choice.options


@every_sampler
def test_ask_and_tell_side_by_side_in_a_plain_study(name: str) -> None:
    there = study(name, front=False)
    running = [there.ask(distributions(choices())) for _ in range(6)]
    for _ in range(5):
        trial = running.pop(0)
        measured = accuracy(trial.params, choices())
        trial.set_user_attr("accuracy", measured)
        there.tell(trial, REWARD(measured, problem(False).cost(trial.params)))
        running.append(there.ask(distributions(choices())))
    assert len({tuple(trial.params.items()) for trial in there.trials}) == 11


@every_sampler
def test_a_plain_study_survives_trials_that_raise_are_pruned_or_give_nan(name: str) -> None:
    there = study(name, front=False)

    def troubled(trial: Trial) -> float:
        value = objective(False, trial)
        if trial.number % 4 == 1:
            raise ValueError("diverged")
        if trial.number % 4 == 2:
            raise optuna.TrialPruned
        return float("nan") if trial.number % 4 == 3 else value

    there.optimize(troubled, n_trials=16, catch=ValueError)
    states = [trial.state for trial in there.trials]
    assert states.count(TrialState.COMPLETE) == states.count(TrialState.PRUNED) == 4
    assert len({tuple(trial.params.items()) for trial in there.trials}) == 16


@every_sampler
def test_a_plain_study_may_have_choices_fixed_queued_and_more_than_these(name: str) -> None:
    there = study(name, front=False)
    there.enqueue_trial({"kernel": 7, "op": "identity"})

    def with_rate(trial: Trial) -> float:
        return objective(False, trial) - trial.suggest_float("rate", 0.01, 0.1)

    there.optimize(with_rate, n_trials=12)
    assert there.trials[0].params["kernel"] == 7
    assert there.trials[0].params["op"] == "identity"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        there.sampler = optuna.samplers.PartialFixedSampler({"kernel": 5}, there.sampler)
    there.optimize(with_rate, n_trials=2)
    assert [trial.params["kernel"] for trial in there.trials[-2:]] == [5, 5]
