"""`nas-search bench`: what its figures mean, and what it does with mistakes."""

import csv
import itertools
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nas.bench.landscape import Landscape, TrueResult
from nas.bench.reference import Reference, find_reference
from nas.bench.runs import Result
from nas.bench.simulate import Step, simulate
from nas.bench.summary import summarise, trials_to_beat
from nas.cli import main
from nas.defaults.conf import config_dir
from nas.evaluators.base import Evaluator, Measurement
from nas.networks.cost import cost
from nas.samplers.cost_aware import CostAware
from nas.samplers.optuna import OptunaSampler
from nas.searches.rewards import Front, Reward, Soft
from orphans import kill_with_children
from search_spaces.space import load_space

SPACE = load_space(
    {
        "name": "small",
        "base": "efficientnet_b0",
        "stages": {n: {"kernel": [3, 5, 7], "expand": [3, 6]} for n in (1, 3, 5)},
    },
    "space",
)
NAS_SEARCH = [sys.executable, "-c", "import nas.cli; nas.cli.main()"]
RANDOM = OptunaSampler(sampler="optuna.samplers.RandomSampler")


class Kernels(Evaluator):
    """Large kernels are good in the first stage and bad in the last; some noise where asked."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = noise

    def evaluate(self, arch, seed, report):
        kernels = [arch.stages[n].kernel for n in (1, 3, 5)]
        accuracy = 0.7 + 0.02 * kernels[0] - 0.01 * kernels[2] + 0.01 * (kernels[1] == 5)
        wobble = int(arch.key(), 16) % 1009 / 1009 - 0.5
        return Measurement(accuracy=accuracy + self.noise * wobble)

    def exact(self):
        return self.noise == 0


def landscape(reward: Reward | None = None, noise: float = 0.0) -> Landscape:
    return Landscape(SPACE, Kernels(noise), Kernels(), reward or Soft(400e6))


def everything() -> list[TrueResult]:
    names = [choice.name for choice in SPACE.choices]
    every = itertools.product(*(choice.options for choice in SPACE.choices))
    archs = [SPACE.decode(dict(zip(names, options, strict=True))) for options in every]
    return [
        TrueResult(Kernels().evaluate(arch, 0, None).accuracy, cost(arch).macs) for arch in archs
    ]


def test_a_small_space_is_surveyed_exactly() -> None:
    reward = Soft(400e6)
    found = find_reference(landscape(reward))
    assert found.exact
    assert found.best == max(reward(known.accuracy, known.cost) for known in everything())


def test_the_true_front_has_all_of_the_hypervolume() -> None:
    found = find_reference(landscape(Front(400e6)))
    assert found.hypervolume(everything()) == pytest.approx(found.volume)
    assert 0 < found.hypervolume(everything()[:5]) < found.volume


@given(
    st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(1, 100)), min_size=1, max_size=12),
)
def test_hypervolume_is_the_area_that_the_front_covers(points: list[tuple[float, float]]) -> None:
    box = Reference(best=0, volume=1, worst=0.0, dearest=100.0, exact=True)
    edges = sorted({cost for _, cost in points} | {100.0})
    area = sum(
        (end - start) * max(accuracy for accuracy, cost in points if cost <= start)
        for start, end in itertools.pairwise(edges)
    )
    assert box.hypervolume([TrueResult(*point) for point in points]) == pytest.approx(area)


def test_a_search_is_followed_from_trial_to_trial() -> None:
    land = landscape()
    best = find_reference(land)
    steps = simulate(land, best, RANDOM, seed=3, trials=30)
    assert [step.trial for step in steps] == list(range(1, 31))
    found = [step.found for step in steps]
    assert found == sorted(found)
    assert found[-1] <= best.best
    assert all(step.seconds > 0 for step in steps)


def test_a_search_ends_with_its_space_and_has_found_the_best() -> None:
    land = landscape()
    best = find_reference(land)
    steps = simulate(land, best, RANDOM, seed=0, trials=1000)
    assert len(steps) == SPACE.size
    assert steps[-1].found == best.best


@pytest.mark.parametrize("sampler", [RANDOM, CostAware(initial=4)])
@pytest.mark.parametrize("reward", [Soft(400e6), Front(400e6)])
def test_workers_side_by_side_finish_as_many_different_trials(
    sampler: OptunaSampler, reward: Reward
) -> None:
    land = landscape(reward)
    looked_at: list[str] = []

    class Watched(Kernels):
        def evaluate(self, arch, seed, report):
            looked_at.append(arch.key())
            return super().evaluate(arch, seed, report)

    watched = Landscape(SPACE, Watched(), Kernels(), reward)
    steps = simulate(watched, find_reference(land), sampler, seed=1, trials=24, workers=8)
    assert len(steps) == 24
    assert len(set(looked_at)) == len(looked_at) == 24


def test_the_same_seed_gives_the_same_search() -> None:
    land, best = landscape(), find_reference(landscape())

    def found(seed: int) -> list[float]:
        steps = simulate(land, best, CostAware(initial=4), seed=seed, trials=12, workers=3)
        return [step.found for step in steps]

    assert found(5) == found(5)
    assert found(5) != found(6)


def test_where_measurements_are_noisy_the_model_is_asked_for_its_recommendation() -> None:
    land = landscape(noise=0.05)
    steps = simulate(
        land, find_reference(land), RANDOM, seed=0, trials=20, recommend_at=frozenset({20})
    )
    assert steps[-2].recommended is None
    assert steps[-1].recommended is not None
    assert steps[-1].recommended <= steps[-1].found


def result(name: str, seed: int, *found: float) -> Result:
    steps = [Step(n, value, value, None, 0.001) for n, value in enumerate(found, start=1)]
    return Result(name, "", seed, tuple(steps))


def test_regret_hits_and_milliseconds_are_of_the_trials_so_far() -> None:
    both = [result("a", 0, 0.5, 0.9, 1.0), result("a", 1, 0.7, 0.7, 0.8)]
    two, three = summarise(both, best=1.0, at=(2, 3))
    assert two.regret.value == pytest.approx((0.1 + 0.3) / 2)
    assert three.regret.value == pytest.approx(0.1)
    assert (two.hit.value, three.hit.value) == (0, 0.5)
    assert three.milliseconds == pytest.approx(1)


def test_a_median_that_half_of_the_searches_never_reach_is_infinite() -> None:
    found = trials_to_beat([result("a", 0, 0.5, 0.9), result("a", 1, 0.1, 0.2)], reward=0.4)
    assert found[0].median == math.inf
    assert found[0].share == 0.5
    (both,) = trials_to_beat([result("a", 0, 0.5, 0.9), result("a", 1, 0.1, 0.6)], reward=0.4)
    assert both.median == 1.5


@pytest.fixture
def table(tmp_path: Path) -> list[str]:
    """The arguments that bench a table of the small space."""
    space = tmp_path / "conf/space/small.yaml"
    space.parent.mkdir(parents=True)
    space.write_text(
        "name: small\nbase: efficientnet_b0\n"
        "stages: {1: {kernel: [3, 5, 7], expand: [4, 6]}, 2: {kernel: [3, 5, 7]}}\n"
    )
    names = ["s1_kernel", "s1_expand", "s2_kernel"]
    with (tmp_path / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "accuracy"])
        for values in itertools.product((3, 5, 7), (4, 6), (3, 5, 7)):
            writer.writerow([*values, 0.5 + 0.01 * sum(values)])
    return [
        "bench", "--config-dir", str(tmp_path / "conf"), "space=small", "evaluator=table",
        f"evaluator.path={tmp_path / 'table.csv'}", f"run={tmp_path / 'out'}",
        "seeds=2", "trials=8", "at=[4]", "processes=1", "only=[cost_aware,random]",
    ]  # fmt: skip


def test_a_bench_goes_on_from_its_records_and_takes_samplers_in(
    table: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    main(table)
    assert "cost_aware" in capsys.readouterr().out
    lines = (out / "bench.jsonl").read_text().splitlines()
    assert len(lines) == 4
    page = (out / "bench.html").read_text()
    assert "Regret over trials" in page
    # A record that was cut off is run again; a sampler of one's own is one more override.
    (out / "bench.jsonl").write_text("\n".join(lines[:3]) + "\n" + lines[3][:50])
    mine = "+samplers.mine={_target_: nas.samplers.local.Local, neighbours: 5}"
    main([*table[:-1], "only=[random,cost_aware,mine]", mine])
    told = capsys.readouterr()
    assert "bench 3/3" in told.err
    kept = [line for line in (out / "bench.jsonl").read_text().splitlines() if _whole(line)]
    assert len(kept) == 6
    with (out / "bench.csv").open() as file:
        report = list(csv.DictReader(file))
    assert {(row["sampler"], row["trials"]) for row in report} == set(
        itertools.product(("cost_aware", "random", "mine"), ("4", "8"))
    )


def test_every_option_of_sampler_takes_part_by_being_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "conf/sampler/mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("_target_: nas.samplers.local.Local\nneighbours: 5\n")
    call = ["bench", "--config-dir", str(tmp_path / "conf"), "--cfg", "job"]
    main([*call, "samplers.mine.neighbours=6", "sampler@samplers.tpe=gp"])
    samplers = yaml.safe_load(capsys.readouterr().out)["samplers"]
    shipped = {path.stem for path in (config_dir() / "sampler").glob("*.yaml")}
    assert set(samplers) == {*shipped, "mine"}
    assert samplers["mine"]["neighbours"] == 6
    assert samplers["tpe"] == samplers["gp"]


def test_searches_do_not_outlive_a_killed_bench(table: list[str], tmp_path: Path) -> None:
    many = [*table[:-5], "seeds=1000", "processes=2", "only=[random]"]
    process = subprocess.Popen([*NAS_SEARCH, *many], stderr=subprocess.DEVNULL, text=True)
    while not (tmp_path / "out/bench.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.05)
    kill_with_children(process, 2)


def _whole(line: str) -> bool:
    try:
        return bool(json.loads(line))
    except ValueError:
        return False


def test_samplers_of_one_objective_are_left_out_of_a_front(
    table: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*table[:-1], "only=[random,local]", "reward=front"])
    told = capsys.readouterr()
    assert "left out: sampler local" in told.err
    assert "1 − hypervolume" in told.out


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("only=[cost_awar]", "'cost_awar'; did you mean 'cost_aware'?"),
        ("only=[local]", "is for one objective"),
        ("trials=0", "trials: expected an integer of at least 1, got 0"),
        ("workers=two", "workers: expected an integer of at least 1, got 'two'"),
        ("processes=0", "processes: expected an integer of at least 1, got 0"),
        ("processes=all", "processes: expected an integer of at least 1, got 'all'"),
        ("seeds=1.5", "seeds: expected an integer of at least 1, got 1.5"),
        ("seed=true", "seed: expected an integer of at least 0, got True"),
        ("seed=-1", "seed: expected an integer of at least 0, got -1"),
        ("at=[soon]", "at: expected a list of numbers of trials"),
        ("truth={nois: 0}", "truth"),
        ("bar=efficientnet_b9", "efficientnet_b9"),
    ],
)
def test_mistakes_get_one_line(
    table: list[str], capsys: pytest.CaptureFixture[str], override: str, message: str
) -> None:
    front = ["reward=front"] if override == "only=[local]" else []
    with pytest.raises(SystemExit) as stopped:
        main([*table, *front, override])
    told = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 2
    assert message in told[-1]
