"""A default stands in conf/ and nowhere else: Python's callers get what the command line gets."""

import ast
import dataclasses
import inspect
import pkgutil
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nas.cli.verbs import VERBS, module
from nas.defaults.conf import config_dir, default
from search_spaces.files import read_text
from search_spaces.parsing import from_mapping
from search_spaces.yaml_text import load_yaml

SETTINGS = {
    "search/default": "nas.searches.loop.SearchSettings",
    "sweep/grid": "scaling_search.settings.SweepSettings",
    "sweep/model": "scaling_search.settings.SweepSettings",
    "family/default": "scaling_search.grow.limits.Limits",
    "ray/default": "nas.executors.ray_cluster.RaySettings",
    "latency": "nas.latency.measure.LatencySettings",
}
"""The options that name no class of theirs, and the dataclass that reads them."""
PRESETS = (
    "recipe/efficientnet",
    "recipe/finetune",
    "recipe/modern",
    "recipe/plain",
    "sampler/gp",
    "sampler/nsga2",
    "sampler/tpe",
    "sweep/grid",
    "sweep/race",
)
"""Options that set a class otherwise than another option, which gives its defaults."""


def settings_of(option: str) -> Mapping[str, Any]:
    path = config_dir() / f"{option}.yaml"
    return load_yaml(read_text(path), str(path)) or {}


def options() -> Iterator[tuple[str, type]]:
    """Every option of conf/ whose settings are the fields of a dataclass."""
    for path in sorted(config_dir().glob("*/*.yaml")):
        option = str(path.relative_to(config_dir()).with_suffix(""))
        name = SETTINGS.get(option, settings_of(option).get("_target_", "???"))
        found = None if name == "???" else pkgutil.resolve_name(name)
        if dataclasses.is_dataclass(found):
            yield option, typing.cast(type, found)
    yield "latency", pkgutil.resolve_name(SETTINGS["latency"])


def given(option: str, cls: type) -> dict[str, Any]:
    """The fields of the class that an option gives a value of its own."""
    names = {field.name for field in dataclasses.fields(cls)}
    return {
        name: value
        for name, value in settings_of(option).items()
        if name in names and value != "???" and "${" not in str(value)
    }


def spelt(cls: type, name: str) -> str:
    """The default of a field as the source has it, of whichever class of the family it is."""
    owner = next(each for each in cls.__mro__ if name in vars(each).get("__annotations__", {}))
    tree = ast.parse(Path(inspect.getfile(owner)).read_text("utf-8"))
    body = next(
        n.body for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == owner.__name__
    )
    item = next(i for i in body if isinstance(i, ast.AnnAssign) and ast.unparse(i.target) == name)
    return "" if item.value is None else ast.unparse(item.value)


@pytest.mark.parametrize(("option", "cls"), list(options()))
def test_no_default_of_an_option_stands_in_code_too(option: str, cls: type) -> None:
    twice = {name: spelt(cls, name) for name in given(option, cls)}
    twice = {name: text for name, text in twice.items() if text and "default(" not in text}
    # What a preset sets beside the class's own defaults is a choice, not a default.
    assert option in PRESETS or not twice


@pytest.mark.parametrize(("option", "cls"), [each for each in options() if each[0] not in PRESETS])
def test_python_has_the_defaults_of_the_command_line(option: str, cls: type) -> None:
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name, value in given(option, cls).items():
        field = fields[name]
        if field.default is not dataclasses.MISSING:
            found = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found = field.default_factory()
        else:
            continue
        assert found == (tuple(value) if isinstance(value, list) else value), name
        if isinstance(found, int | float) and not isinstance(found, bool):
            # A float is spelt as one, so that both ways it is of the type that the field says.
            kind = float if "float" in str(typing.get_type_hints(cls)[name]) else int
            assert type(found) is kind, name


def test_settings_without_arguments_are_those_of_a_verb_without_any() -> None:
    from nas.searches.loop import SearchSettings
    from scaling_search.settings import SweepSettings

    assert SearchSettings().trials == settings_of("search/default")["trials"] == 24
    model = {**settings_of("sweep/grid"), **settings_of("sweep/model")}
    model.pop("defaults")
    assert SweepSettings() == from_mapping(SweepSettings, model)


def test_a_default_that_conf_lacks_is_noticed() -> None:
    with pytest.raises(KeyError):
        default("search/default", "trails")


def test_a_mapping_is_given_anew() -> None:
    assert default("ray/default", "resources") is not default("ray/default", "resources")


@pytest.mark.parametrize("verb", VERBS)
def test_every_setting_of_a_verb_has_a_type(verb: str) -> None:
    own = settings_of(module(verb))
    untyped = {
        name
        for name, value in own.items()
        if name not in ("defaults", "hydra", *VERBS[verb].settings)
        and not isinstance(value, Mapping)
    }
    assert untyped == set()
