"""What composing a configuration gives, whoever composes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nas.defaults.conf import config_dir
from nas.verbs.config import Config
from search_spaces.files import read_text
from search_spaces.yaml_text import load_yaml


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """A file that settings come from, and the setting that they lie in."""

    path: Path
    package: str


@dataclass(frozen=True, slots=True)
class Composed:
    """A configuration as the overrides make it, its interpolations as they are written."""

    settings: Config
    choices: Mapping[str, str | None]
    """The option chosen of each group."""
    sources: tuple[ConfigSource, ...]

    def at(self, path: str) -> Any:
        """The settings, or the one at a dotted path."""
        node: Any = self.settings
        for name in path.split(".") if path else ():
            node = node[name]
        return node


@dataclass(frozen=True)
class Folders:
    """Where options lie: the shipped ones, and a user's own, which come second."""

    own: str | None = None

    @cached_property
    def paths(self) -> list[Path]:
        """The folders themselves."""
        return [config_dir(), *([Path(self.own)] if self.own else [])]

    def groups(self) -> set[str]:
        """The groups that options are in."""
        return self._groups

    @cached_property
    def _groups(self) -> set[str]:
        return {
            each.name
            for path in self.paths
            if path.is_dir()
            for each in path.iterdir()
            if each.is_dir() and not each.name.startswith((".", "__"))
        }

    def options(self, group: str) -> list[str]:
        """The names of a group's options."""
        found = {each.stem for path in self.paths for each in (path / group).glob("*.yaml")}
        return sorted(found)

    def find(self, name: str) -> tuple[Path, Mapping[str, Any]] | None:
        """The file of that name, without its ending, and what it says; None for no such file."""
        for folder in self.paths:
            path = folder / f"{name}.yaml"
            if path.is_file():
                said = load_yaml(read_text(path), str(path))
                return path, said if isinstance(said, Mapping) else {}
        return None
