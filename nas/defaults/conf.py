"""What conf/ says, for settings made in Python too: a default stands there and nowhere else."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_spaces.files import read_text
from search_spaces.yaml_text import load_yaml


def config_dir() -> Path:
    """The shipped configs: inside the package in a wheel, beside it in a checkout."""
    installed = Path(__file__).parents[1] / "conf"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "conf"


def default(option: str, name: str) -> Any:
    """The value of the setting `name` in `conf/OPTION.yaml`: the default of a dataclass's field.

    A list is given as a tuple, and a mapping anew at each call. Raises KeyError for a setting that
    the file does not have.
    """
    value = settings(option)[name]
    if isinstance(value, list):
        return tuple(value)
    return dict(value) if isinstance(value, Mapping) else value


def default_option(verb: str, place: str) -> Any:
    """The name of the option that `conf/VERB.yaml` has at a place; None for none."""
    named = [entry for entry in settings(verb)["defaults"] if isinstance(entry, Mapping)]
    return {key.partition("@")[2] or key: name for entry in named for key, name in entry.items()}[
        place
    ]


@functools.cache
def settings(option: str) -> Mapping[str, Any]:
    """What `conf/OPTION.yaml` itself says, without what its defaults list brings."""
    path = config_dir() / f"{option}.yaml"
    settings = load_yaml(read_text(path), str(path))
    return settings if isinstance(settings, Mapping) else {}
