"""A supernet of grown networks: trained once for a sweep, its slices exact, its limits told."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from nas.cli import main
from nas.data.sources import Digits
from nas.evaluators.grown_supernet import GrownSupernetEvaluator
from nas.evaluators.scored import ScoredEvaluator
from nas.evaluators.zero_cost import ZeroCostEvaluator
from nas.networks.cost import cost
from nas.networks.model import build
from nas.supernet.candidate import candidate
from nas.supernet.file import FILE
from nas.supernet.modules import Modules
from nas.supernet.population import Named
from nas.supernet.store import Layout, Store
from nas.training.recipe import Recipe
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.scaling import scale
from search_spaces.stage import Stage
from search_spaces.yaml_io import write_arch
from search_spaces.zoo import zoo

BASELINE = Arch(
    name="tiny",
    resolution=64,
    num_classes=10,
    stem=Stem(channels=16),
    stages=(
        Stage(channels=16, stride=2, expand=2, se=0.25),
        Stage(channels=32, stride=2, expand=2, kernel=5, repeats=2),
    ),
    head=Head(channels=64),
    dropout=0.0,
    drop_path=0.0,
)
GROWN = (
    BASELINE,
    scale(BASELINE, 1.0, 1.0, 90),
    scale(BASELINE, 1.0, 1.5, 64),
    scale(BASELINE, 2.0, 1.0, 64),
    scale(BASELINE, 1.5, 1.25, 72),
)
SUPERNET = GrownSupernetEvaluator(
    data=Digits(limit=300),
    recipe=Recipe(batch_size=32),
    epochs=2,
    width=0.5,
    resolution=12,
    base_resolution=64,
    device="cpu",
    recalibration=100,
)
STORE = Store.fresh(
    Layout.of(Named([BASELINE, scale(BASELINE, 2.0, 1.5, 64)]).cover(), "own"),
    "own",
    seed=0,
    near_identity=False,
    device=torch.device("cpu"),
)


def ignore(epoch: int, accuracy: float) -> None:
    """Nobody listens."""


def silent(done: int, total: int, note: str = "") -> None:
    """Nobody listens."""


def prepared(folder: Path, *networks: Arch, **changes: Any) -> GrownSupernetEvaluator:
    evaluator = dataclasses.replace(SUPERNET, **changes).for_networks(networks or GROWN)
    evaluator.prepare(folder, silent)
    return evaluator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("supernet")
    prepared(folder)
    return folder


def equal(one: Path, other: Path) -> bool:
    """Whether the supernets in two folders have the same weights, to the bit."""
    first, second = (load_file(each / FILE) for each in (one, other))
    return first.keys() == second.keys() and all(t.equal(second[n]) for n, t in first.items())


@given(
    depth=st.floats(0.5, 2.0),
    width=st.floats(0.5, 1.5),
    resolution=st.integers(16, 64),
)
@settings(max_examples=25, deadline=None)
def test_any_multipliers_up_to_the_largest_make_the_network_that_build_makes(
    depth: float, width: float, resolution: int
) -> None:
    arch = scale(BASELINE, depth, width, resolution)
    images = torch.randn(2, 3, resolution, resolution)
    module = build(arch).train()
    copies = {n: w.detach().clone() for n, w in candidate(STORE, arch).named_parameters()}
    # As they lie in memory: another layout has another kernel run, which rounds otherwise.
    module.load_state_dict(copies, strict=False, assign=True)
    with torch.no_grad():
        elastic, alone = Modules().forward(STORE, arch, images), module(images)
    assert elastic.sub(alone).abs().max() <= 1e-6
    assert sum(weight.numel() for weight in copies.values()) == cost(arch).params


def test_it_is_trained_once_and_evaluates_every_network(folder: Path) -> None:
    told: list[int] = []
    again = SUPERNET.for_networks(GROWN)
    again.prepare(folder, lambda done, total, note="": told.append(done))
    assert not told
    accuracies = [again.evaluate(arch, 0, ignore).accuracy for arch in GROWN]
    assert all(0 < accuracy < 1 for accuracy in accuracies)


def test_networks_that_it_was_not_trained_for_lie_in_it_up_to_the_largest(folder: Path) -> None:
    evaluator = prepared(folder)
    between = scale(BASELINE, 1.0, 1.25, 80)
    assert between.key() not in {arch.key() for arch in GROWN}
    assert 0 < evaluator.evaluate(between, 0, ignore).accuracy < 1
    with pytest.raises(UserError, match="is not in the supernet: "):
        evaluator.evaluate(scale(BASELINE, 1.0, 3.0, 64), 0, ignore)


def test_a_killed_training_ends_in_the_same_weights(folder: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        """Stands for the end of a process."""

    def dying(done: int, total: int, note: str = "") -> None:
        raise Killed

    evaluator = dataclasses.replace(SUPERNET, checkpoint_seconds=0.0).for_networks(GROWN)
    with pytest.raises(Killed):
        evaluator.prepare(tmp_path, dying)
    assert not (tmp_path / FILE).exists()
    evaluator.prepare(tmp_path, silent)
    assert equal(tmp_path, folder)


def test_neither_order_nor_names_nor_repetition_of_the_networks_matter(
    folder: Path, tmp_path: Path
) -> None:
    other = [arch.replace(name="renamed", num_classes=7) for arch in (*GROWN[::-1], BASELINE)]
    prepared(tmp_path, *other)
    assert equal(tmp_path, folder)


@pytest.mark.parametrize("paths", ["fair", "sandwich"])
def test_other_paths_draw_from_the_same_networks(paths: str, tmp_path: Path) -> None:
    evaluator = prepared(tmp_path, paths=paths, epochs=1)
    assert 0 < evaluator.evaluate(BASELINE, 0, ignore).accuracy < 1


def test_a_supernet_of_other_networks_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^evaluator\.path: .* is of another supernet: networks"):
        prepared(tmp_path, *GROWN[:2], path=str(folder / FILE))


def test_without_networks_there_is_nothing_to_share(tmp_path: Path) -> None:
    for asked in (
        lambda: SUPERNET.effort(zoo("efficientnet_b0")),  # what a plan asks first
        lambda: SUPERNET.prepare(tmp_path, silent),
    ):
        with pytest.raises(UserError) as told:
            asked()
        assert str(told.value) == (
            "evaluator: a supernet of grown networks is for verbs that grow some, sweep and "
            "ablate; here it is given none"
        )
    assert not list(tmp_path.iterdir())


def test_its_identity_is_plain_and_names_what_is_trained() -> None:
    known = json.loads(json.dumps(SUPERNET.for_networks(GROWN).identity()))
    assert len(known["networks"]) == len(GROWN)
    assert not {"path", "file", "checkpoint_seconds"} & set(known)


def test_with_others_in_one_evaluator_it_is_told_of_the_networks() -> None:
    untrained = ZeroCostEvaluator(data=SUPERNET.data, images=8, resolution=12, base_resolution=64)
    both = ScoredEvaluator(trained=SUPERNET, untrained=untrained).for_networks(GROWN)
    assert isinstance(both, ScoredEvaluator)
    assert both.trained == SUPERNET.for_networks(GROWN)


OVERRIDES = [
    "evaluator=grown_supernet",
    "data.limit=300",
    "evaluator.epochs=1",
    "evaluator.width=0.5",
    "evaluator.resolution=12",
    "evaluator.base_resolution=64",
    "evaluator.recalibration=50",
    "executor=local",
    "workers=1",
]


def test_a_sweep_by_it_trains_one_supernet_and_records_every_candidate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_arch(BASELINE, tmp_path / "tiny.yaml", {})
    run = tmp_path / "run"
    asked = [f"baseline={tmp_path / 'tiny.yaml'}", "sweep=grid", "sweep.step=0.2", "sweep.seeds=1"]
    main(["sweep", *OVERRIDES, *asked, f"run={run}"])
    said = capsys.readouterr()
    assert "prepare 1/1 · supernet, loss" in said.err
    assert len(list(run.glob("evaluators/*/supernet.safetensors"))) == 1
    records = [json.loads(line) for line in (run / "sweep.jsonl").read_text().splitlines()]
    assert len({record["key"] for record in records}) == len(records) > 3
    before = (run / "sweep.jsonl").read_bytes()
    main(["sweep", *OVERRIDES, *asked, f"run={run}"])
    assert (run / "sweep.jsonl").read_bytes() == before
    assert "supernet, loss" not in capsys.readouterr().err


def test_an_ablation_by_it_trains_one_supernet(tmp_path: Path) -> None:
    write_arch(BASELINE, tmp_path / "tiny.yaml", {})
    run = tmp_path / "run"
    asked = [f"baseline={tmp_path / 'tiny.yaml'}", "ratio=2", "train=true", "seeds=1"]
    main(["ablate", *OVERRIDES, *asked, f"run={run}"])
    assert len(list(run.glob("evaluators/*/supernet.safetensors"))) == 1
    assert (run / "ablation_accuracy.csv").exists()


def test_a_search_by_it_is_refused_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["search", *OVERRIDES[:-1], "search.workers=1", f"run={tmp_path / 'r'}"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("nas-search: evaluator: a supernet of grown networks is for verbs that")
    assert not (tmp_path / "r").exists()


def test_networks_too_small_for_their_strides_are_told_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    with pytest.raises(UserError, match=r"^evaluator: .* scaled to "):
        prepared(tmp_path, zoo("efficientnet_b0").replace(resolution=32))
    assert not list(tmp_path.iterdir())
