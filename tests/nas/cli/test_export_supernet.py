"""`nas-search export supernet=…`: a network leaves with its part of a supernet's weights."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from nas.cli import main
from nas.data.sources import Digits
from nas.evaluators.supernet import SupernetEvaluator
from nas.networks.trained import load_trained, read_card
from nas.supernet.file import FILE
from nas.training.recipe import Recipe
from search_spaces.arch import Arch
from search_spaces.space import load_space
from search_spaces.yaml_io import load_arch, write_arch

SPACE: dict[str, Any] = {
    "name": "tiny",
    "base": {
        "name": "tiny",
        "resolution": 24,
        "num_classes": 10,
        "stem": {"channels": 8},
        "stages": [{"channels": 16, "expand": 2}, {"channels": 32, "stride": 2, "expand": 2}],
        "head": {"channels": 32},
    },
    "vary": {"kernel": [3, 5], "expand": [1, 2]},
}
TINY = load_space(SPACE)
WHOLE = TINY.decode({c.name: c.options[-1] for c in TINY.choices}).replace(name="b0")
SUPERNET = SupernetEvaluator(
    space=SPACE,
    data=Digits(limit=300),
    recipe=Recipe(batch_size=64),
    epochs=1,
    width=0.5,
    resolution=12,
    base_resolution=24,
    device="cpu",
)
DATA = ("data=digits", "data.limit=300")


def silent(done: int, total: int, note: str = "") -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> SupernetEvaluator:
    evaluator = dataclasses.replace(SUPERNET)
    folder = tmp_path_factory.mktemp("run") / "evaluators" / "SupernetEvaluator-0"
    folder.mkdir(parents=True)
    evaluator.prepare(folder, silent)
    return evaluator


@pytest.fixture
def supernet(prepared: SupernetEvaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run folder with a supernet; the test stands in an empty one, with b0.yaml."""
    monkeypatch.chdir(tmp_path)
    write_arch(WHOLE, "b0.yaml")
    assert prepared.file is not None
    return str(Path(prepared.file).parents[2])


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a mistake, which leaves nothing."""
    before = sorted(Path().rglob("*"))
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    printed = capsys.readouterr()
    assert (stopped.value.code, printed.out) == (2, "")
    assert printed.err.count("\n") == 1
    assert sorted(Path().rglob("*")) == before
    return printed.err


def test_it_is_the_network_that_the_search_evaluated(
    supernet: str, prepared: SupernetEvaluator, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", "b0.yaml", "--format", "trained", f"supernet={supernet}", *DATA])
    model, card = load_trained("b0_trained")
    slim = prepared.candidate(WHOLE)
    expected = prepared.network(slim).state_dict()
    assert model.state_dict().keys() == expected.keys()
    assert all(tensor.equal(expected[name]) for name, tensor in model.state_dict().items())
    assert card.minival == prepared.evaluate(WHOLE, 0, lambda epoch, accuracy: None).accuracy
    assert card.arch == slim == load_arch("b0_trained/network.yaml")
    said = capsys.readouterr().out
    assert "b0 with its part of the supernet: " in said
    assert "parameters at 12 px; the supernet is slim; the whole network has " in said


def test_its_card_says_where_the_weights_come_from(supernet: str) -> None:
    main(["export", "b0.yaml", "--format", "trained", f"supernet={supernet}", *DATA])
    card = read_card("b0_trained")
    assert FILE in card.supernet
    assert (card.epochs, card.seed, card.test) == (1, 0, None)
    assert card.recipe["paths"] == "single"
    assert card.recipe["width"] == 0.5
    assert card.recipe["batch_size"] == 64
    assert card.data["name"] == "digits"
    assert len(card.classes) == 10
    readme = Path("b0_trained/README.md").read_text()
    assert "with weights of a supernet" in readme
    assert "This network was not trained alone" in readme
    assert "They chose the epoch" not in readme


@pytest.mark.parametrize(
    ("kind", "left"), [("hub", "b0_hub/model.safetensors"), ("timm", "b0_timm.safetensors")]
)
def test_every_format_takes_it(
    kind: str, left: str, supernet: str, prepared: SupernetEvaluator
) -> None:
    main(["export", "b0.yaml", "--format", kind, f"supernet={supernet}", *DATA])
    expected = prepared.network(prepared.candidate(WHOLE)).state_dict()
    found = load_file(left)
    assert all(found[name].equal(tensor) for name, tensor in expected.items())


def test_it_becomes_a_program(supernet: str, prepared: SupernetEvaluator) -> None:
    main(["export", "b0.yaml", "--format", "program", f"supernet={supernet}", *DATA])
    model = prepared.network(prepared.candidate(WHOLE))
    images = torch.randn(3, 3, 12, 12)
    with torch.no_grad():
        found = torch.export.load("b0.pt2").module()(images)
        assert torch.allclose(found, model(images), atol=1e-4)


def test_it_trains_further_and_a_whole_network_begins_as_it(
    supernet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", "b0.yaml", "--format", "trained", f"supernet={supernet}", *DATA])
    short = (*DATA, "recipe.epochs=1", "threads=1", "run=further")
    main(["train", "b0_trained/network.yaml", "weights=b0_trained", *short])
    card = read_card("further/trained/network")
    assert (card.start, card.supernet) == ("b0_trained", "")
    assert card.mean == read_card("b0_trained").mean
    capsys.readouterr()
    main(["train", "b0.yaml", "inherit=b0_trained", "name=whole", *short])
    said = capsys.readouterr().err
    copied = sum(tensor.numel() for tensor in load_trained("b0_trained")[0].parameters())
    assert f"{copied:,} of " in said
    assert "weights" in said


def test_a_training_that_begins_as_it_beats_one_from_scratch_in_as_many_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_arch(WHOLE, "b0.yaml")
    images = ("data=digits", "data.limit=900")
    learnt = dataclasses.replace(SUPERNET, data=Digits(limit=900), epochs=12)
    learnt.prepare(tmp_path, silent)
    main(["export", "b0.yaml", "--format", "trained", f"supernet={learnt.file}", *images])
    recipe = ("recipe.epochs=2", "recipe.minival=0", "recipe.warmup_epochs=0.5", "threads=1")
    found: dict[str, list[float]] = {"inherited": [], "scratch": []}
    for seed in range(3):
        for begun, accuracies in found.items():
            start = ["weights=b0_trained"] if begun == "inherited" else []
            own = (f"run={begun}-{seed}", "name=it", f"seed={seed}", *recipe, *images)
            main(["train", "b0_trained/network.yaml", *start, *own])
            worth = read_card(f"{begun}-{seed}/trained/it").worth
            assert worth is not None
            accuracies.append(worth.value)
    assert sum(found["inherited"]) > sum(found["scratch"])


def test_a_slim_network_is_found_as_it_is(supernet: str, prepared: SupernetEvaluator) -> None:
    write_arch(prepared.candidate(WHOLE), "slim.yaml")
    main(["export", "slim.yaml", "--format", "trained", f"supernet={supernet}", *DATA])
    assert read_card("slim_trained").arch == prepared.candidate(WHOLE)


@pytest.mark.parametrize("setting", ["weights", "inherit"])
def test_a_training_that_would_begin_as_a_whole_supernet_is_told_how(
    setting: str, prepared: SupernetEvaluator, supernet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "b0.yaml", f"{setting}={prepared.file}", "run=further", *DATA]
    said = refused(arguments, capsys)
    assert f"{setting}: " in said
    assert "is a supernet, of many networks; nas-search export NETWORK supernet=FILE" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (DATA[:1], "other data: data.limit is 300 there, and None here"),
        ((*DATA, "data.seed=1"), "other data: data.seed is 0 there, and 1 here"),
        ((), "data: expected the images that the supernet was trained on"),
        ((*DATA, "weights=b0.yaml"), "weights: expected null where supernet is given"),
        ((*DATA, "num_classes=3"), "num_classes: expected null with supernet"),
        ((*DATA, "trial=3"), "expected the run folder of trial 3"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    arguments: tuple[str, ...], words: str, supernet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["export", "b0.yaml", "--format", "trained", f"supernet={supernet}", *arguments]
    assert words in refused(given, capsys)


def test_a_network_that_is_not_in_the_supernet_is_refused(
    supernet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = Arch(name="foreign", resolution=24, num_classes=10, stages=WHOLE.stages[:1])
    write_arch(foreign, "foreign.yaml")
    given = ["export", "foreign.yaml", "--format", "trained", f"supernet={supernet}", *DATA]
    assert "supernet: foreign is not in the supernet: " in refused(given, capsys)


def test_a_folder_without_a_supernet_and_one_with_two_are_refused(
    prepared: SupernetEvaluator, supernet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["export", "b0.yaml", "--format", "trained", *DATA, "supernet=run"]
    Path("run").mkdir()
    assert "supernet: run has none; expected a run folder" in refused(given, capsys)
    for name in ("one", "two"):
        place = Path("run/evaluators", name)
        place.mkdir(parents=True)
        (place / FILE).write_bytes(Path(str(prepared.file)).read_bytes())
    said = refused(given, capsys)
    assert f"supernet: run has 2: expected one of them, such as run/evaluators/one/{FILE}" in said


def test_data_without_a_supernet_are_told(
    supernet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(["export", "b0.yaml", "--format", "timm", *DATA], capsys)
    assert "data: expected null without supernet" in said


def test_networks_of_a_search_leave_by_their_names_and_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    space = json.dumps(SPACE["base"])
    Path("conf/space").mkdir(parents=True)
    vary = json.dumps(SPACE["vary"])
    Path("conf/space/tiny.yaml").write_text(f"name: tiny\nbase: {space}\nvary: {vary}\n")
    evaluator = ("evaluator=supernet", "evaluator.epochs=1", "evaluator.resolution=12")
    sizes = ("evaluator.base_resolution=24", "evaluator.width=0.5")
    search = ("space=tiny", *evaluator, *sizes, "search.trials=3", "executor=local", "run=run")
    main(["search", "--config-dir", "conf", *search, "search.workers=1", *DATA])
    given = ("--format", "trained", "supernet=run", *DATA)
    main(["export", "run/baseline.yaml", *given])
    main(["export", "run", "trial=1", *given])
    assert read_card("trial_1_trained").supernet == read_card("baseline_trained").supernet
    assert read_card("trial_1_trained").arch.name == "trial_1"
    assert "trial: run has 3 trials, and none of the number 7" in refused(
        ["export", "run", "trial=7", *given], capsys
    )
