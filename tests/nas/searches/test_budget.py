"""The budget of a search in core-seconds, before it starts."""

import dataclasses
import re
from pathlib import Path

import pytest

import toy
from nas.cli import main
from nas.data.sources import Digits
from nas.evaluators.base import Effort
from nas.evaluators.effort import StepTime, timed_step
from nas.evaluators.proxy import ProxyEvaluator
from nas.evaluators.scored import ScoredEvaluator
from nas.evaluators.supernet import SupernetEvaluator
from nas.evaluators.zero_cost import ZeroCostEvaluator
from nas.searches.budget import Budget, Step
from search_spaces.space import load_space

SPACE = {
    "name": "tiny",
    "base": {
        "resolution": 64,
        "num_classes": 10,
        "stem": {"channels": 16},
        "stages": [{"channels": 32, "stride": 2, "expand": 2}],
        "head": {"channels": 64},
    },
    "vary": {"kernel": [3, 5], "expand": [1, 2]},
}
TINY = load_space(SPACE)
ARCH = TINY.decode({choice.name: choice.options[-1] for choice in TINY.choices})
PROXY = ProxyEvaluator(data=Digits(limit=200), epochs=2, resolution=16, base_resolution=64)
SUPERNET = SupernetEvaluator(
    space=SPACE, data=Digits(limit=200), epochs=2, resolution=16, base_resolution=64, scaled=PROXY
)


def asked(run: Path, evaluator: str, *more: str) -> list[str]:
    toys = ("evaluator=custom", f"evaluator._target_={evaluator}", "sampler=random")
    return ["search", f"run={run}", "search.workers=1", *toys, *more]


def budgets(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return re.findall("^budget: .*$", capsys.readouterr().err, re.MULTILINE)


def test_the_budget_is_stated_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [
        "+evaluator.alone._target_=biased.ToldAlone",
        "search.confirm=4",
    ]
    first = asked(tmp_path, "biased.Told", *told, "search.trials=6")
    main(first)
    err = capsys.readouterr().err
    assert err.index("budget: ") < err.index("search 1/6")
    (line,) = re.findall("^budget: .*$", err, re.MULTILINE)
    assert line == (
        "budget: 100 core-seconds of preparation, 6 evaluations of 0.50 core-seconds, "
        "4 confirming trainings of 20 core-seconds: about 183 core-seconds in all"
    )
    main(first)
    assert budgets(capsys) == []
    more = asked(tmp_path, "biased.Told", *told, "search.trials=8")
    main(more)
    (line,) = budgets(capsys)
    assert "preparation" not in line
    assert "2 evaluations of" in line


def test_what_cannot_be_timed_becomes_known_from_what_is_on_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    biased = asked(tmp_path, "biased.Biased", "search.confirm=3")
    main([*biased, "search.trials=4"])
    assert budgets(capsys) == [
        "budget: 4 evaluations, 3 confirming trainings: its core-seconds become known as it runs"
    ]
    main([*biased, "search.trials=5"])
    (line,) = budgets(capsys)
    assert re.search(r"1 evaluation of .* core-seconds, 3 .* of .* core-seconds: about", line)


def test_a_search_that_prepares_nothing_states_no_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(asked(tmp_path, "toy.Toy", "search.trials=2"))
    assert budgets(capsys) == []


def test_evaluators_count_the_steps_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    step = StepTime(train=2.0, forward=1.0)
    for name in ("proxy", "supernet"):
        monkeypatch.setattr(f"nas.evaluators.{name}.timed_step", lambda slim, device: step)
    about = PROXY.describe()
    train, val = int(about["training images"]), int(about["validation images"])
    epochs = PROXY.epochs
    assert PROXY.effort(ARCH) == Effort(evaluation=epochs * (2.0 * train + val))
    supernet = Effort(preparation=epochs * 2.0 * train, evaluation=train + val)
    assert SUPERNET.effort(ARCH) == supernet
    fair = dataclasses.replace(SUPERNET, paths="fair").effort(ARCH)
    assert fair == dataclasses.replace(supernet, preparation=2 * supernet.preparation)
    trained = dataclasses.replace(SUPERNET, path="there.safetensors").effort(ARCH)
    assert trained == dataclasses.replace(supernet, preparation=0.0)
    scores = ZeroCostEvaluator(
        data=Digits(limit=200), resolution=16, base_resolution=64, images=16, scores=("naswot",)
    )
    both = ScoredEvaluator(trained=SUPERNET, untrained=scores).effort(ARCH)
    assert both is not None
    assert both.preparation == supernet.preparation
    assert both.evaluation > supernet.evaluation


def test_a_step_is_timed_on_the_cpu_alone() -> None:
    step = timed_step(PROXY.proxy(ARCH), "cpu")
    assert step is not None
    assert min(step.train, step.forward) > 0
    assert timed_step(PROXY.proxy(ARCH), "meta") is None


def test_timing_a_step_leaves_the_next_random_numbers_as_they_were() -> None:
    import torch

    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    PROXY.effort(ARCH)
    assert torch.equal(torch.rand(1), expected)


def test_of_an_unknown_step_nothing_is_summed_up() -> None:
    known, unknown = Step("evaluation", 10, 2.0), Step("confirming training", 1, None)
    assert Budget(5.0, (known,)).core_seconds == 25
    assert Budget(5.0, (known, unknown)).core_seconds is None
    assert Budget(None, (known,)).core_seconds is None
    assert toy.Toy().effort(ARCH) is None
