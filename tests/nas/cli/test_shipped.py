"""What is read from the files of a configuration alone is what Hydra composes of them."""

from pathlib import Path

import pytest

from nas.cli.compose import compose
from nas.cli.composed import Folders
from nas.cli.overrides import read_arguments
from nas.cli.shipped import shipped
from nas.cli.verbs import VERBS, module

SHIPPED = Folders()
OPTIONS = [
    f"{group}={option}"
    for group in ("experiment", "effort", "sweep")
    for option in SHIPPED.options(group)
]


@pytest.mark.parametrize(
    ("verb", "given"),
    [
        *((verb, []) for verb in VERBS),
        *(("run", [option]) for option in OPTIONS),
        ("search", ["evaluator=scored_supernet_macro", "data=pets"]),
        ("search", ["experiment=cifar10", "data=imagefolder", "search.trials=7", "run=x/y"]),
        ("run", ["train.recipe=modern", "train.recipe.epochs=3", "executor=ray", "alpha=1.25"]),
        ("proxy-check", ["evaluator@truth=nas_bench_macro"]),
    ],
)
def test_files_alone_say_what_hydra_says(verb: str, given: list[str]) -> None:
    arguments = read_arguments(VERBS[verb], given)
    ours, hydras = (
        shipped(module(verb), arguments.overrides, SHIPPED),
        compose(module(verb), arguments),
    )
    assert ours is not None
    assert ours.settings == hydras.settings
    assert dict(ours.choices) == dict(hydras.choices)
    assert ours.sources == hydras.sources


def test_options_of_ones_own_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text("defaults: [digits]\nlimit: 12\n")
    own = read_arguments(VERBS["search"], ["--config-dir", str(tmp_path), "data=mine"])
    ours = shipped("search", own.overrides, Folders(str(tmp_path)))
    assert ours is not None
    assert ours.at("data.limit") == 12
    assert ours.settings == compose("search", own).settings


@pytest.mark.parametrize(
    "override",
    ["+x=1", "~sampler", "search.trails=3", "sampler=tpee", "search.trials=1e2", "run=[a]",
     "search.trials=on", "search=3", "nothing=1", "data.path.x=3"],
)  # fmt: skip
def test_whatever_a_grammar_has_to_read_is_left_to_hydra(override: str) -> None:
    assert shipped("search", [override], SHIPPED) is None
