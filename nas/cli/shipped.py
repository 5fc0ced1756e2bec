"""A verb's configuration read from its files alone: what Hydra makes of the same, without Hydra.

Help and completion answer at once by it. It knows of defaults lists what `conf/` makes use of, and
gives None for all else, which Hydra then composes.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nas.cli.composed import Composed, ConfigSource, Folders
from nas.cli.setting_values import plain_value
from search_spaces.files import read_text

_EVERY_SAMPLER = "every_sampler"
_ENTRY = re.compile(r"(?:(override) )?/?([\w/]+)(?:@([\w.]+))?")


_POWER = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")


class _Unknown(Exception):
    """Raised for what only Hydra can tell."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A place that an option of a group fills."""

    group: str
    place: str

    @property
    def name(self) -> str:
        """What the choice is called on a command line."""
        return self.group if self.place == self.group.replace("/", ".") else self.place


@dataclass(slots=True)
class _Course:
    """The files of a configuration, found one after another."""

    folders: Folders
    chosen: dict[str, str]
    """Options that the command line chooses, by the names of their choices."""
    choices: dict[str, str | None] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    """The group of each choice."""
    parts: list[tuple[ConfigSource, Mapping[str, Any]]] = field(default_factory=list)

    def verb(self, name: str) -> None:
        """Find the files of a verb. Raises _Unknown where something else than options is in it."""
        path, settings = self.folders.find(name) or _unknown()
        entries = [_read(entry) for entry in _listed(settings)]
        choices = [(c, option) for _, c, option in entries if c is not None]
        self.choices = {c.name: self.chosen.get(c.name, option) for c, option in choices}
        self.groups = {c.name: c.group for c, _ in choices}
        if not self.chosen.keys() <= self.choices.keys():
            raise _Unknown
        self._take_overrides(choices)
        for _, choice, option in entries:
            if choice is not None:
                self._option(choice.group, self.choices[choice.name], choice.place)
            elif option == _EVERY_SAMPLER:
                for sampler in self.folders.options("sampler"):
                    self._option("sampler", sampler, f"samplers.{sampler}")
            elif option == "_self_":
                self.parts.append((ConfigSource(path, ""), settings))
            else:
                raise _Unknown

    def _take_overrides(self, choices: Sequence[tuple[_Choice, str | None]]) -> None:
        """Choose what the options that are chosen choose; the command line's word is the last."""
        for choice, _ in choices:
            option = self.choices[choice.name]
            for other, theirs in self._overridden(choice.group, option):
                if other.name not in self.choices:
                    raise _Unknown
                if other.name not in self.chosen:
                    self.choices[other.name] = theirs

    def _overridden(self, group: str, option: str | None) -> Iterator[tuple[_Choice, str | None]]:
        """What an option chooses of other groups, and what those that it is made of do."""
        if option is None:
            return
        _, settings = self.folders.find(f"{group}/{option}") or _unknown()
        for is_override, other, theirs in map(_read, _listed(settings)):
            if other is None and theirs != "_self_":
                yield from self._overridden(group, str(theirs).partition("@")[0])
            elif other is not None and is_override:
                yield other, theirs

    def _option(self, group: str, option: str | None, place: str) -> None:
        if option is None:
            return
        path, settings = self.folders.find(f"{group}/{option}") or _unknown()
        header = re.search(r"^# *@package +(\S+)", read_text(path), re.MULTILINE)
        if header and header[1] != "_global_":
            raise _Unknown
        own = ConfigSource(path, "" if header else place)
        entries = _listed(settings)
        if "_self_" not in entries:
            entries = [*entries, "_self_"]
        for entry in entries:
            if entry == "_self_":
                self.parts.append((own, settings))
                continue
            is_override, choice, other = _read(entry)
            if is_override:
                continue
            if choice is not None and isinstance(entry, Mapping):
                raise _Unknown
            name, _, inner = str(entry).partition("@")
            if other is None or not (group and re.fullmatch(r"\w+", name)):
                raise _Unknown
            self._option(group, name, f"{own.package}.{inner}".strip(".") if inner else place)


def shipped(name: str, overrides: Sequence[str], folders: Folders) -> Composed | None:
    """The configuration that the files and these overrides make; None where only Hydra can tell.

    Raises UserError for a file that is not YAML.
    """
    try:
        return _composed(name, overrides, folders)
    except _Unknown:
        return None


def _composed(name: str, overrides: Sequence[str], folders: Folders) -> Composed:
    pairs = [override.partition("=")[::2] for override in overrides]
    chosen = {n: value for n, value in pairs if _is_choice(n, folders)}
    if any(override.startswith(("+", "~")) or "=" not in override for override in overrides):
        raise _Unknown
    course = _Course(folders, {n.partition("@")[2] or n: value for n, value in chosen.items()})
    course.verb(name)
    settings: dict[str, Any] = {}
    for source, said in course.parts:
        own = {key: value for key, value in said.items() if key != "defaults"}
        _merge(_at(settings, source.package), own)
    for path, text in pairs:
        if path not in chosen:
            _put(settings, path, text)
    return Composed(
        settings=settings,
        choices={n: course.choices[n] for n, group in course.groups.items() if n == group},
        sources=tuple(source for source, _ in course.parts),
    )


def _is_choice(name: str, folders: Folders) -> bool:
    return "." not in name.partition("@")[0] and name.partition("@")[0] in folders.groups()


def _listed(settings: Mapping[str, Any]) -> list[Any]:
    entries = settings.get("defaults", [])
    return list(entries) if isinstance(entries, list) else []


def _read(entry: object) -> tuple[bool, _Choice | None, str | None]:
    """An entry of a defaults list: whether it overrides, what it chooses for, and what."""
    if isinstance(entry, str):
        return False, None, entry
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise _Unknown
    ((key, option),) = entry.items()
    found = _ENTRY.fullmatch(str(key))
    if found is None or not (option is None or isinstance(option, str)):
        raise _Unknown
    place = found[3] or found[2].replace("/", ".")
    return bool(found[1]), _Choice(found[2], place), option


def _at(settings: dict[str, Any], package: str) -> dict[str, Any]:
    for name in package.split(".") if package else ():
        settings = settings.setdefault(name, {})
    return settings


def _merge(into: dict[str, Any], given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        name = str(name)
        if isinstance(value, Mapping):
            inner = into.get(name)
            if not isinstance(inner, dict):
                inner = into[name] = {}
            _merge(inner, value)
        else:
            # YAML 1.1 has numbers such as 300e6 as text; everybody else as numbers.
            is_number = isinstance(value, str) and _POWER.fullmatch(value)
            into[name] = float(value) if is_number else copy.deepcopy(value)


def _put(settings: dict[str, Any], path: str, text: str) -> None:
    """Set one setting that there is. Raises _Unknown for one that there is not."""
    *outer, last = path.split(".")
    node: Any = settings
    for name in outer:
        node = node.get(name) if isinstance(node, dict) else None
    value, known = plain_value(text)
    if not isinstance(node, dict) or last not in node or isinstance(node[last], dict) or not known:
        raise _Unknown
    node[last] = value


def _unknown() -> Any:
    raise _Unknown


def leaves(node: object, path: str = "") -> Iterator[str]:
    """The dotted path of every setting."""
    if isinstance(node, Mapping) and node:
        for name, value in node.items():
            yield from leaves(value, f"{path}.{name}".lstrip("."))
    elif path:
        yield path
