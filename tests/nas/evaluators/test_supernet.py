"""Accuracies with a supernet's weights: trained once, repeated exactly, refused of another."""

import dataclasses
import json
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from nas.cli import main
from nas.data.sources import Digits
from nas.evaluators.proxy import ProxyEvaluator
from nas.evaluators.scored import ScoredEvaluator
from nas.evaluators.supernet import SupernetEvaluator
from nas.evaluators.zero_cost import ZeroCostEvaluator
from nas.networks.cost import cost
from nas.networks.model import build
from nas.networks.weights import save_weights
from nas.supernet.file import FILE
from nas.training.fit import validate
from nas.training.recipe import Recipe
from search_spaces.errors import UserError
from search_spaces.space import load_space
from search_spaces.zoo import zoo

SPACE: dict[str, Any] = {
    "name": "tiny",
    "base": {
        "resolution": 64,
        "num_classes": 10,
        "stem": {"channels": 16},
        "stages": [
            {"channels": 32, "stride": 2, "expand": 2},
            {"channels": 64, "stride": 2, "expand": 2},
        ],
        "head": {"channels": 64},
    },
    "vary": {"kernel": [3, 5], "expand": [1, 2], "layers": [0, 1], "se": [0, 0.25]},
}
TINY = load_space(SPACE)
ARCH = TINY.decode({c.name: c.options[-1] for c in TINY.choices})
OTHER = TINY.decode({c.name: c.options[0] for c in TINY.choices})
SUPERNET = SupernetEvaluator(
    space=SPACE,
    data=Digits(limit=300),
    recipe=Recipe(batch_size=32),
    epochs=2,
    width=0.25,
    resolution=12,
    base_resolution=64,
    device="cpu",
    recalibration=100,
)
OVERRIDES = [
    "evaluator=supernet",
    "data.limit=300",
    "evaluator.epochs=1",
    "evaluator.resolution=32",
    "evaluator.recalibration=50",
    "executor=local",
    "workers=1",
]

_KILLED = """\
import dataclasses, os, pathlib, signal, sys
sys.path[:0] = sys.argv[2:]
from nas.supernet.train import SupernetTraining
from test_supernet import SUPERNET, silent

update, steps = SupernetTraining._update, []

def dying(*arguments):
    steps.append(1)
    if len(steps) == 7:  # in the middle of the second epoch
        os.kill(os.getpid(), signal.SIGKILL)
    return update(*arguments)

SupernetTraining._update = dying
killed = dataclasses.replace(SUPERNET, checkpoint_seconds=0.0)
killed.prepare(pathlib.Path(sys.argv[1]), silent)
"""
"""A process that trains the supernet until it is killed."""


def ignore(epoch: int, accuracy: float) -> None:
    """Nobody listens."""


def silent(done: int, total: int, note: str = "") -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("supernet")
    prepared(SUPERNET, folder)
    return folder


def prepared(evaluator: SupernetEvaluator, folder: Path) -> SupernetEvaluator:
    evaluator = dataclasses.replace(evaluator)
    evaluator.prepare(folder, silent)
    return evaluator


def test_it_learns_and_evaluates_whatever_the_space_has(tmp_path: Path) -> None:
    base = {**SPACE["base"], "head": {"channels": 512}}
    kernels = {**SPACE, "base": base, "vary": {"kernel": [3, 5]}}
    evaluator = prepared(dataclasses.replace(SUPERNET, space=kernels, epochs=16), tmp_path)
    space = evaluator.loaded_space
    for number in (0, -1):
        arch = space.decode({choice.name: choice.options[number] for choice in space.choices})
        found = evaluator.evaluate(arch, 0, ignore)
        assert found.accuracy > 0.2
        assert found.note == ""


def test_what_learnt_nothing_is_told(tmp_path: Path) -> None:
    still = prepared(dataclasses.replace(SUPERNET, epochs=1, recipe=Recipe(lr=1e-30)), tmp_path)
    assert still.evaluate(ARCH, 0, ignore).note == "cannot be told from chance"


def test_it_is_trained_once(folder: Path) -> None:
    before = (folder / FILE).stat().st_mtime_ns
    told: list[int] = []
    dataclasses.replace(SUPERNET).prepare(folder, lambda done, total, note="": told.append(done))
    assert not told
    assert (folder / FILE).stat().st_mtime_ns == before
    assert not (folder / "checkpoint").exists()


def test_one_whose_process_was_killed_has_the_weights_of_an_undisturbed_one(
    folder: Path, tmp_path: Path
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), str(Path(__file__).parent), *sys.path],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / FILE).exists()
    steps: list[int] = []
    resumed = dataclasses.replace(SUPERNET)
    resumed.prepare(tmp_path, lambda done, total, note="": steps.append(done))
    assert steps == [2]  # the first epoch was done
    expected = load_file(folder / FILE)
    found = load_file(tmp_path / FILE)
    assert found.keys() == expected.keys()
    assert all(tensor.equal(expected[name]) for name, tensor in found.items())


def test_says_how_far_its_training_is(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    dataclasses.replace(SUPERNET).prepare(
        tmp_path, lambda done, total, note="": told.append((done, total, note))
    )
    assert [each[:2] for each in told] == [(1, 2), (2, 2)]
    assert all(each[2].startswith("supernet, loss ") for each in told)


def test_the_same_architecture_and_seed_repeat_exactly_in_another_process(folder: Path) -> None:
    evaluator = prepared(SUPERNET, folder)
    other = pickle.loads(pickle.dumps(evaluator))
    assert other.evaluate(ARCH.replace(name="renamed"), 3, ignore) == evaluator.evaluate(
        ARCH, 3, ignore
    )


def test_images_and_supernet_that_another_process_read_serve_it(folder: Path) -> None:
    evaluator = prepared(SUPERNET, folder)
    shared = pickle.loads(pickle.dumps(evaluator.load_data(evaluator.data_key(ARCH))))
    elsewhere = dataclasses.replace(evaluator, data=Digits(limit=200), file="/not/on/this/node")
    elsewhere = elsewhere.with_data(shared)
    assert elsewhere.evaluate(ARCH, 0, ignore) == evaluator.evaluate(ARCH, 0, ignore)


def test_a_candidate_is_the_network_that_would_be_exported(folder: Path, tmp_path: Path) -> None:
    evaluator = prepared(SUPERNET, folder)
    slim = evaluator.candidate(ARCH)
    save_weights(evaluator.network(slim), tmp_path / "weights.safetensors")
    again = build(slim, tmp_path / "weights.safetensors")
    data = evaluator._dataset(slim.resolution)
    found = validate(again, data, data.val, evaluator.recipe)
    assert found == evaluator.evaluate(ARCH, 0, ignore).accuracy


def test_a_finished_supernet_is_taken_from_where_it_lies(folder: Path, tmp_path: Path) -> None:
    given = dataclasses.replace(SUPERNET, path=str(folder / FILE))
    found = prepared(given, tmp_path)
    assert not list(tmp_path.iterdir())
    assert found.evaluate(ARCH, 0, ignore) == prepared(SUPERNET, folder).evaluate(ARCH, 0, ignore)
    assert given.identity() == SUPERNET.identity()


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"epochs": 3}, "epochs is 2 there, and 3 here"),
        ({"recipe": Recipe(batch_size=16)}, "recipe.batch_size is 32 there, and 16 here"),
        ({"data": Digits(limit=200)}, "data.limit is 300 there, and 200 here"),
        ({"width": 0.5}, "width is 0.25 there, and 0.5 here"),
        ({"paths": "fair"}, "paths is 'single' there, and 'fair' here"),
        ({"sharing": "sliced"}, "sharing is 'own' there, and 'sliced' here"),
        (
            {"space": {**SPACE, "vary": {"kernel": [3, 5]}}},
            "space.vary.kernel",
        ),
    ],
)
def test_a_supernet_of_other_settings_or_data_is_refused(
    change: dict[str, Any], difference: str, folder: Path, tmp_path: Path
) -> None:
    other = dataclasses.replace(SUPERNET, path=str(folder / FILE), **change)
    with pytest.raises(UserError, match=r"^evaluator\.path: .* is of another supernet: ") as told:
        other.prepare(tmp_path, silent)
    if difference != "space.vary.kernel":
        assert str(told.value).endswith(difference)


def test_a_training_that_was_begun_with_other_settings_is_refused(tmp_path: Path) -> None:
    prepared(SUPERNET, tmp_path)
    (tmp_path / FILE).unlink()
    with pytest.raises(UserError, match=r"holds another supernet: seed is 0 there, and 1 here$"):
        prepared(dataclasses.replace(SUPERNET, seed=1), tmp_path)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "no such file"),
        (b"not tensors", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_a_file_that_is_no_supernet_is_refused(
    content: bytes | None, line: str, tmp_path: Path
) -> None:
    file = tmp_path / "other.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=line):
        prepared(dataclasses.replace(SUPERNET, path=str(file)), tmp_path)


def test_weights_of_one_network_are_no_supernet(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_weights(build(OTHER), file)
    with pytest.raises(UserError, match="is no supernet"):
        prepared(dataclasses.replace(SUPERNET, path=str(file)), tmp_path)


def test_a_network_beyond_the_space_is_refused(folder: Path) -> None:
    evaluator = prepared(SUPERNET, folder)
    with pytest.raises(UserError, match="is not in the supernet"):
        evaluator.evaluate(zoo("efficientnet_b0").replace(resolution=224), 0, ignore)


def test_nothing_is_evaluated_before_there_is_a_supernet() -> None:
    with pytest.raises(UserError, match="there is no supernet yet"):
        SUPERNET.evaluate(ARCH, 0, ignore)


def test_networks_beyond_the_space_are_trained_alone() -> None:
    assert isinstance(SUPERNET.for_scaled_networks(), ProxyEvaluator)
    scored = ScoredEvaluator(trained=SUPERNET, untrained=ZeroCostEvaluator())
    assert isinstance(scored.for_scaled_networks(), ProxyEvaluator)


def test_folds_of_which_the_supernet_saw_the_others_are_refused(tmp_path: Path) -> None:
    folded = dataclasses.replace(SUPERNET, data=Digits(limit=300, folds=3))
    with pytest.raises(UserError, match=r"data\.folds: expected 1"):
        folded.prepare(tmp_path, silent)


def test_says_what_the_accuracy_is_of() -> None:
    about = SUPERNET.describe()
    assert about["accuracies"] == "with the weights of a supernet of 2 epochs"
    assert about["training images"] + about["validation images"] == 300


def test_says_what_a_supernet_leaves_out_of_the_recipe() -> None:
    averaged = dataclasses.replace(SUPERNET, recipe=Recipe(ema=0.9))
    assert "recipe: a supernet leaves out ema=0.9" in averaged.data_summary()
    assert "leaves out" not in SUPERNET.data_summary()


def test_its_identity_is_plain_and_holds_no_place() -> None:
    known = json.loads(json.dumps(SUPERNET.identity()))
    assert known["space"]["name"] == "tiny"
    assert not {"path", "file", "scaled", "checkpoint_seconds"} & set(known)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"epochs": 0}, "epochs: expected at least 1, got 0"),
        ({"recalibration": 0}, "recalibration: expected at least 1, got 0"),
        ({"paths": "double"}, "paths: expected one of single, fair, sandwich, got 'double'"),
        ({"sharing": "all"}, "sharing: expected one of own, sliced, got 'all'"),
        ({"checkpoint_seconds": -1}, "checkpoint_seconds: expected at least 0, got -1"),
    ],
)
def test_impossible_settings_are_named(change: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as told:
        dataclasses.replace(SUPERNET, **change)
    assert str(told.value) == line


def test_what_diverges_is_told_on_one_line(tmp_path: Path) -> None:
    wild = dataclasses.replace(SUPERNET, recipe=Recipe(lr=1e30, batch_size=32))
    with pytest.raises(UserError, match=r"evaluator: the supernet diverged.*recipe\.lr"):
        wild.prepare(tmp_path, silent)


def test_scores_beside_it_make_one_estimate(folder: Path) -> None:
    untrained = ZeroCostEvaluator(data=SUPERNET.data, images=8, resolution=12, base_resolution=64)
    both = ScoredEvaluator(trained=prepared(SUPERNET, folder), untrained=untrained, worth=0.2)
    found, trained = both.evaluate(ARCH, 0, ignore), both.trained.evaluate(ARCH, 0, ignore)
    promise = untrained.promise(ARCH, 0).value
    assert found.accuracy == pytest.approx(both.estimate(trained.accuracy, promise))
    assert both.describe()["estimate with"] == "grad_norm"


@pytest.mark.parametrize("evaluator", ["supernet", "scored_supernet"])
def test_a_proxy_check_judges_it(
    evaluator: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = "trained." if evaluator.startswith("scored") else ""
    settings = [each.replace("evaluator.", f"evaluator.{part}") for each in OVERRIDES]
    main(
        ["proxy-check", *settings, f"evaluator={evaluator}", "networks=5", f"run={tmp_path / 'r'}"]
    )
    said = capsys.readouterr()
    assert "Kendall τ" in said.out
    assert "prepare 1/1 · supernet, loss" in said.err


def test_the_largest_of_the_space_costs_most() -> None:
    assert cost(SUPERNET.candidate(ARCH)).macs > cost(SUPERNET.candidate(OTHER)).macs
