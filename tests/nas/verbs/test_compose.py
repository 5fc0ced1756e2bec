"""A function's settings are those of the command line, whichever options are chosen."""

import dataclasses
from pathlib import Path
from typing import Any

import hydra
import pytest
from omegaconf import DictConfig, OmegaConf

from nas.cli.compose import compose
from nas.cli.overrides import Arguments
from nas.cli.verbs import VERBS, module
from nas.defaults.conf import config_dir, settings
from nas.verbs.compose import Option, composed
from search_spaces.errors import UserError

NEEDED = {
    "data.path": "a/photos",
    "data.name": "named",
    "evaluator.path": "table.csv",
    "evaluator._target_": "toy.Toy",
    "truth.path": "truth.csv",
    "truth._target_": "toy.Toy",
    "latency_table": "table.yaml",
    "weights": "w",
    "images": "i",
    "network": "n",
    "run": "r",
}
"""Values for what `conf/` leaves to the caller."""


def by_hydra(verb: str, overrides: list[str]) -> tuple[dict[str, Any], Any]:
    """What is missing of the composed settings, with values, and the settings with these."""
    with hydra.initialize_config_dir(str(config_dir()), version_base="1.3"):
        made = hydra.compose(verb, overrides)
    missing = {name: value for name, value in NEEDED.items() if is_missing(made, name)}
    for name, value in missing.items():
        OmegaConf.update(made, name, value)
    return missing, OmegaConf.to_container(made, resolve=True)


def is_missing(made: Any, name: str) -> bool:
    parent, _, last = name.rpartition(".")
    node = OmegaConf.select(made, parent) if parent else made
    return isinstance(node, DictConfig) and OmegaConf.is_missing(node, last)


OF_COMMANDS = ("experiment", "effort", "serve", "tracker")


def choices() -> list[tuple[str, str, str]]:
    """Every option of every group, in the first of the verbs that have it at that place.

    But for groups that functions do not take.
    """
    found: dict[tuple[str, str], str] = {}
    for verb in map(module, VERBS):
        for entry in settings(verb)["defaults"]:
            for key in entry if isinstance(entry, dict) and verb != "bench" else ():
                for path in sorted((config_dir() / key.partition("@")[0]).glob("*.yaml")):
                    found.setdefault((key, path.stem), verb)
    return [(verb, key, name) for (key, name), verb in found.items() if key not in OF_COMMANDS]


@pytest.fixture(scope="module", autouse=True)
def _resolvers() -> None:
    compose("cost", Arguments((), ()))


@pytest.mark.parametrize(("verb", "key", "option"), choices())
def test_every_option_is_composed_as_the_command_line_does(
    verb: str, key: str, option: str
) -> None:
    missing, expected = by_hydra(verb, [f"{key}={option}"])
    place = key.partition("@")[2] or key
    assert composed(verb, {place: option}, missing) == expected


@pytest.mark.parametrize("verb", [module(verb) for verb in VERBS if verb != "bench"])
def test_every_verb_is_composed_likewise(verb: str) -> None:
    missing, expected = by_hydra(verb, [])
    assert composed(verb, {}, missing) == expected


def test_settings_that_differ_reach_what_refers_to_them() -> None:
    config = composed("search", {"data": Option("digits", limit=7), "cost": {"target": 3e8}}, {})
    assert config["evaluator"]["data"]["limit"] == 7
    assert config["reward"]["target"] == 3e8


def test_a_class_of_ones_own_has_settings_of_its_own() -> None:
    config = composed("search", {"evaluator": Option("custom", _target_="toy.Toy", noise=0.1)}, {})
    assert config["evaluator"] == {"_target_": "toy.Toy", "noise": 0.1}


def test_an_object_stands_for_itself() -> None:
    @dataclasses.dataclass
    class Data:
        name: str = "mine"

    mine = Data()
    config = composed("search", {"data": mine}, {})
    assert config["evaluator"]["data"] is mine
    assert config["run"] == "results/mine"


def test_what_a_caller_gives_is_no_reference() -> None:
    config = composed("search", {"data": Option("imagefolder", path="${run}")}, {"run": "${x}"})
    assert config["data"]["path"] == "${run}"
    assert config["run"] == "${x}"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("proxi", "evaluator: 'proxi': no such option; did you mean 'proxy'?"),
        ("../data/digits", "evaluator: '../data/digits': no such option; expected one of: "),
        (Option("proxy", epoch=3), "evaluator.epoch: proxy has no such setting; did you mean"),
        ({"epoch": 3}, "evaluator.epoch: proxy has no such setting; did you mean 'epochs'?"),
        ("custom", "evaluator._target_: missing: expected a value"),
    ],
)
def test_a_mistake_names_the_option(option: object, said: str) -> None:
    with pytest.raises(UserError) as error:
        composed("search", {"evaluator": option}, {})
    assert str(error.value).startswith(said)


def test_a_run_folder_is_named_after_its_data_or_its_network(tmp_path: Path) -> None:
    assert composed("sweep", {}, {"baseline": "resnet50"})["run"] == "results/resnet50"
    file = tmp_path / "own.yaml"
    assert composed("scale", {}, {"baseline": str(file)})["run"] == "results/own"
