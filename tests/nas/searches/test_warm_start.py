"""What a search starts from: networks that were named, and accuracies measured elsewhere."""

import csv
import functools
import itertools
import random
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml

from nas.cli import main
from nas.defaults.conf import config_dir
from nas.networks.cost import cost
from nas.samplers.cost_aware import CostAware
from nas.samplers.local import Local
from nas.searches.pricing import Macs
from nas.searches.proposals import Limits, Proposer
from nas.searches.rewards import Soft
from nas.searches.warm_start import WarmStart, nearest, read_warm_start
from search_spaces.errors import UserError
from search_spaces.space import Space, load_space
from search_spaces.zoo import zoo

REWARD = Soft(target=400e6)
Params = Mapping[str, Any]


@pytest.fixture
def space() -> Space:
    """1,296 networks, EfficientNet-B0 among them."""
    vary = {"kernel": [3, 5, 7], "expand": [3, 6]}
    fixed = {index: {"kernel": None, "expand": None} for index in (0, 5, 6)}
    return load_space(
        {"name": "some", "base": "efficientnet_b0", "vary": vary, "stages": fixed}, "space"
    )


@functools.cache
def chance(name: str) -> float:
    return random.Random(name).gauss(0, 1)


def truth(params: Params) -> float:
    """Accuracy: options that count alone and in pairs, each for as much as chance has it."""
    spelt = [f"{name}={option}" for name, option in params.items()]
    pairs = itertools.combinations(spelt, 2)
    return 0.7 + 0.01 * sum(map(chance, spelt)) + 0.0015 * sum(chance(a + b) for a, b in pairs)


def elsewhere(params: Params) -> float:
    """On another dataset: lower, closer together, and with a part of its own."""
    return 0.4 + 0.5 * (truth(params) - 0.7) + random.Random(str(params)).gauss(0, 0.005)


def unrelated(params: Params) -> float:
    return random.Random(str(params)).uniform(0.3, 0.9)


def reward(space: Space, params: Params) -> float:
    return REWARD(truth(params), cost(space.decode(params)).macs)


def best_after(trials: int, space: Space, warm: WarmStart) -> float:
    """Mean best reward over two searches."""
    best = []
    for seed in range(2):
        there = Proposer.resume(space, CostAware(), REWARD, Macs(), Limits(), seed, (), warm)
        found = []
        for number in range(trials):
            candidate = there.propose(number)
            assert candidate is not None
            found.append(REWARD(truth(candidate.params), candidate.cost.macs))
            there.tell(candidate, finished(candidate, found[-1]))
        best.append(max(found))
    return statistics.fmean(best)


def finished(candidate: Any, found: float) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(
        value=found,
        params=dict(candidate.params),
        distributions=candidate.trial.distributions,
        user_attrs={"accuracy": truth(candidate.params), "key": candidate.arch.key()},
    )


def known(space: Space, accuracy: Callable[[Params], float], count: int = 60) -> WarmStart:
    """Measurements of networks drawn at random, the best of them left out."""
    drawn = [space.sample(random.Random(i)) for i in range(count + 5)]
    poorer = sorted(drawn, key=lambda params: reward(space, params))[:count]
    return WarmStart((), (tuple((params, accuracy(params)) for params in poorer),))


def test_related_measurements_shorten_a_search_and_unrelated_ones_do_it_little_harm() -> None:
    config = yaml.safe_load((config_dir() / "space/accel_nasbench.yaml").read_text())
    large = load_space(config, "space")
    cold = best_after(20, large, WarmStart())
    assert best_after(10, large, known(large, elsewhere, 100)) > cold
    assert best_after(20, large, known(large, unrelated, 100)) > 0.97 * cold


def test_what_was_measured_elsewhere_is_no_result(space: Space) -> None:
    there = Proposer.resume(
        space, CostAware(), REWARD, Macs(), Limits(), 0, (), known(space, elsewhere)
    )
    assert not there.study.trials


def test_named_networks_come_first_and_then_the_best_of_each_source(space: Space) -> None:
    earlier = known(space, truth).earlier
    warm = WarmStart((nearest(zoo("efficientnet_b0"), space),), earlier)
    there = Proposer.resume(space, Local(), REWARD, Macs(), Limits(), 0, (), warm)
    proposed = [there.propose(number) for number in range(5)]
    assert proposed[0].arch.key() == zoo("efficientnet_b0").key()
    best = sorted(earlier[0], key=lambda found: -reward(space, found[0]))[:3]
    assert [dict(c.params) for c in proposed[1:4]] == [dict(params) for params, _ in best]
    assert len({candidate.arch.key() for candidate in proposed}) == 5


def test_starts_beyond_the_limits_are_never_tried(space: Space) -> None:
    warm = WarmStart((nearest(zoo("efficientnet_b0"), space),))
    limits = Limits(macs_max=cost(zoo("efficientnet_b0")).macs - 1)
    there = Proposer.resume(space, Local(), REWARD, Macs(), limits, 0, (), warm)
    candidate = there.propose(0)
    assert candidate is not None
    assert candidate.cost.macs <= limits.macs_max


def test_a_warm_search_that_was_stopped_goes_on_as_it_would_have(space: Space) -> None:
    warm = known(space, elsewhere)
    keys, trials = [], []
    there = Proposer.resume(space, CostAware(), REWARD, Macs(), Limits(), 0, (), warm)
    for number in range(13):
        candidate = there.propose(number)
        keys.append(candidate.arch.key())
        trials.append(finished(candidate, reward(space, candidate.params)))
        there.tell(candidate, trials[-1])
    again = Proposer.resume(space, CostAware(), REWARD, Macs(), Limits(), 0, trials[:12], warm)
    assert again.propose(12).arch.key() == keys[12]


def test_a_network_outside_of_the_space_starts_from_the_nearest(space: Space) -> None:
    b0 = zoo("efficientnet_b0")
    found = space.decode(nearest(b0.replace(num_classes=10), space))
    assert found.key() == b0.key()
    with pytest.raises(UserError, match="resnet50 has 4 stages"):
        read_warm_start("resnet50", space)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s1_kernel\n3\n", "no column 'accuracy'"),
        ("kernel,accuracy\n3,0.5\n", "no column is a choice of space some"),
        ("s1_kernel,accuracy\n3,71.2\n", "row 1: accuracy: expected a fraction from 0 to 1"),
        ("s1_kernel,accuracy\n3,high\n", "row 1: accuracy: expected a number, got 'high'"),
        ("s1_kernel,accuracy\n3,\n", "no row has an accuracy"),
    ],
)
def test_a_table_that_cannot_be_used_is_named_on_one_line(
    space: Space, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "earlier.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_warm_start([str(path)], space)
    assert str(caught.value).startswith(f"search.start_from[0]: {path}")
    assert "\n" not in str(caught.value)


def test_rows_of_another_space_are_taken_as_far_as_they_fit(space: Space, tmp_path: Path) -> None:
    path = tmp_path / "earlier.csv"
    path.write_text("s1_kernel,s1_expand,s1_width,accuracy\n8,4,1.25,0.5\n3,6,1.0,\n")
    ((params, accuracy),) = read_warm_start(str(path), space).earlier[0]
    assert (params["s1_kernel"], params["s1_expand"], accuracy) == (7, 3, 0.5)
    base = nearest(zoo("efficientnet_b0"), space)
    assert {name: params[name] for name in base if name[:2] != "s1"} == {
        name: option for name, option in base.items() if name[:2] != "s1"
    }


def run(folder: Path, *more: str) -> None:
    evaluator = ("evaluator=custom", "evaluator._target_=toy.Toy")
    common = ("space=kernel_expand", "sampler=local", "search.workers=1")
    main(["search", f"run={folder}", *evaluator, *common, *more])


def keys(folder: Path) -> list[str]:
    with (folder / "trials.csv").open() as file:
        return [row["key"] for row in csv.DictReader(file)]


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "a", "search.trials=3", "search.start_from=efficientnet_b0")
    assert keys(tmp_path / "a")[0] == zoo("efficientnet_b0").key()
    start = f"search.start_from=[{tmp_path / 'a'}]"
    run(tmp_path / "b", "search.trials=3", "search.seed=1", start)
    assert set(keys(tmp_path / "b")) == set(keys(tmp_path / "a"))
    # Another content is another search, whatever the path says.
    run(tmp_path / "a", "search.trials=5", "search.start_from=efficientnet_b0")
    for refused in (("b", start), ("c", "search.start_from=no_such_network")):
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            run(tmp_path / refused[0], "search.trials=5", "search.seed=1", refused[1])
        assert exit_.value.code == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "search.start_from" in line
