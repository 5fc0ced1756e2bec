"""The classes that a command's networks tell apart: the data's, whose names their files say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.evaluators.asked import class_names
from nas.evaluators.base import Evaluator
from search_spaces.arch import Arch
from search_spaces.files import expanded, read_text
from search_spaces.yaml_io import read_about
from search_spaces.yaml_text import load_yaml

NAMED = "class names"
"""What a stage's `about` in config.yaml says the names of its networks' classes under"""
_TRAINED = ("sweep", "ablate")
"""Stages that train networks, the latest first"""


@dataclass(frozen=True, slots=True)
class OfClasses:
    """A network that tells the right classes apart, and their names, where they are known."""

    network: Arch
    names: tuple[str, ...]

    @classmethod
    def of(cls, network: Arch, names: tuple[str, ...], num_classes: int | None) -> "OfClasses":
        """The network for `num_classes`, or without them for these names; as it is for neither.

        The names are left out where they are of another number of classes.
        """
        count = num_classes or len(names) or network.num_classes
        changed = network.replace(num_classes=count)
        return cls(changed, names if len(names) == count else ())


def of_data(network: Arch, evaluator: Evaluator, num_classes: int | None) -> OfClasses:
    """The network for the classes of the data that the evaluator trains on."""
    return OfClasses.of(network, class_names(evaluator), num_classes)


def of_run(network: Arch, file: str, run: Path, num_classes: int | None) -> OfClasses:
    """The network for the classes that its file names, or that the run folder's networks have."""
    return OfClasses.of(network, names_in(file) or _names_of_run(run), num_classes)


def names_in(file: str | Path) -> tuple[str, ...]:
    """The names of the classes that a network's file says it tells apart; none of the zoo's."""
    return _texts(_about(file).get("classes"))


def largest_image(file: str, run: Path) -> int | None:
    """Pixels of the shorter side of the data's largest image, as far as files say."""
    return _said("largest image", file, run)


def proxy_pixels(file: str, run: Path) -> int | None:
    """Pixels a side that the run folder's proxies are fed, as far as files say."""
    return _said("resolution", file, run)


def _said(name: str, file: str, run: Path) -> int | None:
    """A number that files say of what accuracies were measured with."""
    places = [_about(file).get("evaluator"), *_of_stages(run)]
    places.append(_about(run / "baseline.yaml").get("evaluator"))
    for place in places:
        number = place.get(name) if isinstance(place, Mapping) else None
        if isinstance(number, int) and number > 0:
            return number
    return None


def _names_of_run(run: Path) -> tuple[str, ...]:
    for about in _of_stages(run):
        if NAMED in about:
            return _texts(about[NAMED])
    return names_in(run / "baseline.yaml")


def _of_stages(run: Path) -> list[Mapping[str, Any]]:
    """What the run folder's stages say of what they trained on."""
    path = run / "config.yaml"
    config: Any = load_yaml(read_text(path), str(path)) if path.is_file() else None
    stages = [config.get(name) for name in _TRAINED] if isinstance(config, Mapping) else []
    abouts = [stage.get("about") for stage in stages if isinstance(stage, Mapping)]
    return [about for about in abouts if isinstance(about, Mapping)]


def _about(file: str | Path) -> Mapping[str, Any]:
    path = expanded(file)
    return read_about(path) if path.is_file() else {}


def _texts(given: object) -> tuple[str, ...]:
    return tuple(map(str, given)) if isinstance(given, list) else ()
