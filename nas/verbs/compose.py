"""The settings of a verb as `conf/` composes them, for callers from Python: no overrides to parse.

Of Hydra's configurations it reads what `conf/` uses: a list of defaults, options of groups that are
put in their place, and references to other settings. Values that a caller gives are taken as they
stand.
"""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.defaults.conf import config_dir, settings
from nas.runs.folder import run_folder_of
from nas.verbs.config import Config
from search_spaces.errors import UserError, shown
from search_spaces.files import expanded
from search_spaces.parsing import closest

_MISSING = "???"
"""What a setting that has no default is in `conf/`."""
_REFERENCE = re.compile(r"\$\{((?:[^${}]|\$\{[^${}]*\})+)\}")
"""`${NAME}` or `${FUNCTION:ARGUMENT}`, whose argument may be a reference."""


@dataclass(frozen=True, slots=True, init=False)
class Option:
    """An option of a group by its name, and its settings that differ: `Option("proxy", epochs=2)`.

    The options of each group, and their settings, are the files of `conf/`.
    """

    name: str
    settings: Mapping[str, Any]

    def __init__(self, name: str, /, **settings: Any) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "settings", settings)


def composed(verb: str, options: Mapping[str, object], values: Mapping[str, Any]) -> Config:
    """The settings of a verb: those of `conf/`, with what the caller gives in their place.

    `options` has by the place of a group, such as `data` or `train.recipe`, the name of an option,
    an `Option`, a mapping of what differs from the default one (of all of it where it has a
    `_target_`), or an object that stands for itself. `values` has other settings by their dotted
    names. Raises UserError for an option that there is not, and for a setting without a value.
    """
    own = dict(settings(verb))
    made: Config = {}
    for entry in _with_self(own.pop("defaults")):
        if entry == "_self_":
            _merge(made, own)
            continue
        ((key, default),) = entry.items()
        group, _, place = key.partition("@")
        place = place or group
        chosen = options.get(place, default)
        if chosen is None and default is not None:
            raise UserError(f"{place}: missing; leave it as it is, or give a value")
        option = _option(group, place, chosen, default)
        if option is not None:
            _put(made, place, option)
    for name, value in values.items():
        _put(made, name, _given(value))
    resolved: Config = _References(made).resolved(made, ())
    return resolved


def _option(group: str, place: str, chosen: object, default: str | None) -> Any:
    """The settings of an option, or the object that stands for it."""
    if isinstance(chosen, str):
        chosen = Option(chosen)
    if isinstance(chosen, Mapping):
        if "_target_" in chosen or default is None:
            return _given(chosen)
        chosen = Option(default, **{str(name): each for name, each in chosen.items()})
    if not isinstance(chosen, Option):
        return chosen
    made = _read(group, place, chosen.name)
    is_own = made.get("_target_") == _MISSING  # a class of the caller's, whose settings are its own
    for name, value in chosen.settings.items():
        if name not in made and not is_own:
            hint = closest(name, made)
            raise UserError(f"{place}.{name}: {chosen.name} has no such setting{hint}")
        _put(made, name, _given(value))
    return made


def _read(group: str, place: str, name: str) -> Config:
    """The settings of an option of `conf/`. Raises UserError for one that is not there."""
    known = sorted(path.stem for path in (config_dir() / group).glob("*.yaml"))
    if name not in known:
        raise UserError(f"{place}: {shown(name)}: no such option{closest(name, known)}")
    own = copy.deepcopy(dict(settings(f"{group}/{name}")))
    made: Config = {}
    for entry in _with_self(own.pop("defaults", [])):
        if entry == "_self_":
            _merge(made, own)
            continue
        inner, _, inside = entry.partition("@")
        option = _read(group, place, inner)
        if inside:
            _put(made, inside, option)
        else:
            _merge(made, option)
    return made


def _with_self(defaults: list[Any]) -> list[Any]:
    """A list of defaults with the place of a file's own settings: the last where none is said."""
    return defaults if "_self_" in defaults else [*defaults, "_self_"]


class _Given(str):
    """Text that a caller gave: nothing in it is a reference."""

    __slots__ = ()


def _given(value: Any) -> Any:
    """What a caller gave, as plain settings; an object stands for itself."""
    if isinstance(value, Mapping):
        return {str(name): _given(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_given(each) for each in value]
    return _Given(value) if isinstance(value, str | Path) else value


def _put(into: Config, place: str, value: Any) -> None:
    """Set what is at a dotted name, with mappings merged into those that are there."""
    *above, last = place.split(".")
    for name in above:
        into = into.setdefault(name, {})
    _merge(into, {last: value})


def _merge(into: Config, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        old = into.get(name)
        if isinstance(old, dict) and isinstance(value, Mapping) and "_target_" not in value:
            _merge(old, value)
        else:
            into[name] = copy.deepcopy(value) if isinstance(value, dict | list) else value


@dataclass(frozen=True, slots=True)
class _References:
    """Puts what is referred to in the place of references."""

    root: Config

    def resolved(self, node: Any, place: tuple[str, ...]) -> Any:
        if isinstance(node, Mapping):
            return {name: self.resolved(each, (*place, name)) for name, each in node.items()}
        if isinstance(node, list):
            return [self.resolved(each, place) for each in node]
        if isinstance(node, _Given):
            return str(node)
        if node == _MISSING and isinstance(node, str):
            raise UserError(f"{'.'.join(place)}: missing: expected a value")
        return self._text(node, place) if isinstance(node, str) else node

    def _text(self, text: str, place: tuple[str, ...]) -> Any:
        if whole := _REFERENCE.fullmatch(text):
            return self._value(whole[1], place)
        return _REFERENCE.sub(lambda found: str(self._value(found[1], place)), text)

    def _value(self, reference: str, place: tuple[str, ...]) -> Any:
        function, colon, argument = reference.partition(":")
        if colon:
            return FUNCTIONS[function](self._text(argument, place))
        name = reference.lstrip(".")
        dots = len(reference) - len(name)
        path = (*place[: len(place) - dots], *name.split(".")) if dots else tuple(name.split("."))
        node: Any = self.root
        for index, each in enumerate(path):
            # What an object has, its attributes say.
            node = node[each] if isinstance(node, Mapping) else getattr(node, each, None)
            if isinstance(node, str):
                return self.resolved(node, path[: index + 1])
        return self.resolved(node, path)


def stem(path: object) -> str:
    """What data at a path are called."""
    return expanded(str(path)).resolve().stem or "data"


def home(baseline: object) -> str:
    """The run folder that a network's file lies in; else one that is named after the network."""
    path = Path(str(baseline))
    if path.suffix not in (".yaml", ".yml"):
        return f"results/{baseline}"
    return str(run_folder_of(path) or Path("results", path.stem))


FUNCTIONS: Mapping[str, Callable[[object], str]] = {"stem": stem, "home": home}
"""What `conf/` refers to as `${NAME:…}`."""
