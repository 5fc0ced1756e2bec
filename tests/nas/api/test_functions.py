"""The verbs as functions: the settings, records and files of the command line, typed results."""

import csv
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nas
from nas.cli import main
from search_spaces.arch import Arch
from search_spaces.yaml_io import load_arch
from toy import Toy

TOY = nas.Option("custom", _target_="toy.Toy")
QUICK: dict[str, Any] = {"evaluator": TOY, "sampler": "random", "workers": 1}
COMMAND = ["evaluator=custom", "evaluator._target_=toy.Toy", "sampler=random", "search.workers=1"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trials(run: str) -> list[dict[str, str]]:
    with Path(run, "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_search_gives_what_its_run_folder_says() -> None:
    found = nas.search(run="r", trials=4, **QUICK)
    assert found.run == Path("r")
    assert found.baseline == load_arch("r/baseline.yaml")
    assert found.record.key == found.baseline.key()
    assert list(found.records["key"]) == [row["key"] for row in trials("r")]
    assert {each.number for each in found.front} <= set(range(4))
    assert all(each.number != found.record.number for each in found.ties)
    assert [trace.name for trace in found.plot().data if trace.name == "baseline"]
    assert str(found).startswith("baseline  ")


def test_the_same_call_goes_on_from_the_records() -> None:
    before = nas.search(run="r", trials=2, **QUICK).records
    after = nas.search(run="r", trials=4, **QUICK).records
    assert len(after) == 4
    assert after.head(2).equals(before)


def test_a_function_and_a_verb_go_on_from_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    main(["search", "run=r", "search.trials=2", *COMMAND])
    said = capsys.readouterr().out
    again = nas.search(run="r", trials=2, **QUICK)
    assert f"{again}\n" == said
    nas.search(run="r", trials=3, **QUICK)
    main(["search", "run=r", "search.trials=4", *COMMAND])
    assert len(trials("r")) == 4


def test_nothing_is_printed_unless_it_is_asked_for(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "nas")
    nas.search(run="r", trials=2, **QUICK)
    assert capfd.readouterr() == ("", "")
    assert [line for line in caplog.messages if line.startswith("search 2/2")]
    nas.search(run="r", trials=3, progress=True, **QUICK)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "search 3/3" in printed.err


class Layers(nas.Evaluator):
    def __init__(self, most: int) -> None:
        self.most = most

    def evaluate(self, arch: Arch, seed: int, report: object) -> float:
        return sum(stage.repeats for stage in arch.stages) / self.most


@pytest.mark.parametrize("evaluator", [Toy(), Layers(40)])
def test_an_evaluator_may_be_an_object(evaluator: nas.Evaluator) -> None:
    found = nas.search(run="r", trials=3, evaluator=evaluator, workers=1)
    assert len(found.records) == 3
    assert len(nas.search(run="r", trials=4, evaluator=evaluator, workers=1).records) == 4


def test_an_object_of_other_attributes_is_another_evaluator() -> None:
    nas.search(run="r", trials=2, evaluator=Layers(40), workers=1)
    with pytest.raises(nas.UserError, match=r"made with evaluator\.most=40, not 50"):
        nas.search(run="r", trials=2, evaluator=Layers(50), workers=1)


def test_a_sampler_a_reward_and_a_cost_may_be_objects() -> None:
    from nas.samplers.cost_aware import CostAware
    from nas.searches.pricing import Parameters
    from nas.searches.rewards import Soft

    for trials_asked in (2, 3):
        found = nas.search(
            run="r",
            trials=trials_asked,
            sampler=CostAware(initial=2),
            reward=Soft(target=5e6),
            cost=Parameters(),
            evaluator=TOY,
            workers=1,
        )
    assert [row["cost"] for row in trials("r")] == [f"{n:.1f}" for n in found.records["params"]]


def test_a_space_is_a_name_a_file_or_an_object() -> None:
    fields = {"name": "own", "base": "efficientnet_b0", "vary": {"kernel": [3, 5]}}
    Path("own.yaml").write_text("base: efficientnet_b0\nvary: {kernel: [3, 5]}\n")
    for trial, space in enumerate([fields, "own.yaml", Path("own.yaml"), nas.load_space(fields)]):
        nas.search(run="r", trials=trial + 1, space=space, **QUICK)  # type: ignore[arg-type]
    assert len(trials("r")) == 4


def test_a_sweep_gives_its_constants_and_how_sure_they_are() -> None:
    rule = nas.sweep(
        "efficientnet_b0",
        settings=nas.Option("grid", step=0.2, seeds=1),
        evaluator=TOY,
        executor="local",
        workers=1,
    )
    assert rule.run == Path("results/efficientnet_b0")
    assert set(rule.constants.named()) == {"alpha", "beta", "gamma"}
    for low, high in zip(rule.low.values, rule.high.values, strict=True):
        assert 1 <= low <= high
    assert rule.records["winner"].sum() == 1
    assert len(rule.ties) == rule.records["tied"].sum()
    assert rule.verdict in str(rule)
    family = nas.scale("efficientnet_b0", rule.constants, phis=[1])
    assert family.members[1].multipliers["depth"] == pytest.approx(rule.constants["alpha"])


def test_a_family_is_a_sequence_of_networks(capsys: pytest.CaptureFixture[str]) -> None:
    family = nas.scale("efficientnet_b0", {"alpha": 1.2, "beta": 1.1, "gamma": 1.15}, phis=[1, 2])
    assert [arch.key() for arch in family] == [
        load_arch(f"results/efficientnet_b0/family/b{k}.yaml").key() for k in range(3)
    ]
    assert family[1:] == (family[1], family[2])
    assert family[-1] in family
    assert list(family.records["params"]) == [nas.cost(arch).params for arch in family]
    main(["scale", "alpha=1.2", "beta=1.1", "gamma=1.15", "coefficients=formula", "phis=[1,2]"])
    assert capsys.readouterr().out == f"{family}\n"


def test_the_published_family_is_the_default() -> None:
    assert len(nas.scale()) == 8


def test_an_ablation_and_a_proxy_check_give_what_the_verbs_print(
    capsys: pytest.CaptureFixture[str],
) -> None:
    grown = nas.ablate("efficientnet_b0", run="a", ratios=[2])
    main(["ablate", "run=a", "ratios=[2]"])
    assert capsys.readouterr().out == f"{grown}\n"
    check = nas.proxy_check(run="c", networks=5, evaluator=TOY, workers=1)
    assert [verdict.proxy for verdict in check.verdicts] == ["default"]
    main(["proxy-check", "run=c", "networks=5", "workers=1", *COMMAND[:2]])
    assert capsys.readouterr().out == f"{check}\n"


SCRIPT = """
from nas import Evaluator, search

print("a script")


class Mine(Evaluator):
    def evaluate(self, arch, seed, report):
        return half


half = 0.5
found = search(evaluator=Mine(), trials=3, workers=2, sampler="random", run="r")
print(len(found.records))
"""


def test_a_script_without_a_guard_has_workers() -> None:
    Path("script.py").write_text(SCRIPT)
    script = [sys.executable, "script.py"]
    done = subprocess.run(script, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines() == ["a script", "3"]
    assert done.stderr == ""
