"""What a shell passes, as Hydra's flags and overrides: a value arrives as it was given."""

import functools
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nas.cli.verbs import VERBS, Verb
from nas.verbs.setting_types import is_literal
from search_spaces.errors import UserError
from search_spaces.parsing import closest

_VALUED = {
    "-c": "--cfg",
    "-p": "--package",
    "-cd": "--config-dir",
    "-cp": "--config-path",
    "-cn": "--config-name",
    "-i": "--info",
}
"""Flags of Hydra's that are followed by a value, `--info` where it likes."""

_PLAIN = {"-r": "--run", "-m": "--multirun", "-sc": "--shell-completion"}
_FLAGS = {*_VALUED.values(), *_PLAIN.values(), "--hydra-help", "--version", "--resolve"}
_SHOWN = {
    "--cfg": ["job", "hydra", "all"],
    "--info": ["all", "config", "defaults", "defaults-tree", "plugins", "searchpath"],
}

_LITERAL = {"path", "cache", "image_column", "label_column", "address"}.union(
    name for verb in VERBS.values() for name, reader in verb.settings.items() if is_literal(reader)
)
"""Last parts of the names of settings that are paths, networks or other people's names: those of
options, and those that the verbs' types tell."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """A verb's arguments in Hydra's words."""

    flags: tuple[str, ...]
    overrides: tuple[str, ...]

    @property
    def config_dir(self) -> str | None:
        """Where the user's own options lie."""
        return self._value("--config-dir")

    @property
    def config_name(self) -> str | None:
        """The user's own configuration, in place of the verb's."""
        return self._value("--config-name")

    def _value(self, name: str) -> str | None:
        found = [flag.partition("=")[2] for flag in self.flags if flag.startswith(f"{name}=")]
        return found[-1] if found else None


def read_arguments(verb: Verb, given: Sequence[str]) -> Arguments:
    """Flags first, then overrides; arguments without `=` become the setting they stand for.

    Raises UserError for what is none of them.
    """
    flags: list[str] = []
    overrides: list[str] = []
    plain: list[str] = []
    left = iter(given)
    several = any(argument in ("-m", "--multirun") for argument in given)
    for argument in left:
        flag, equals, value = argument.partition("=")
        if flag in verb.flags:
            overrides.append(_own_flag(flag, verb.flags[flag], value if equals else None, left))
        elif argument.startswith("-") and argument != "-":
            flags.append(_hydra_flag(verb, flag, value if equals else None, left))
        elif _is_override(verb, argument):
            overrides.append(_placed(verb, _override(argument, several)))
        else:
            plain.append(argument)
    if plain and (verb.positional is None or (len(plain) > 1 and not verb.many)):
        raise UserError(f"unexpected argument {plain[-1]!r}: settings are given as name=value")
    if plain:
        named = ",".join(quoted(os.path.expanduser(argument)) for argument in plain)
        overrides.append(f"{verb.positional}=" + (f"[{named}]" if verb.many else named))
    return Arguments(tuple(flags), tuple(overrides))


def _own_flag(flag: str, setting: str, value: str | None, left: Iterator[str]) -> str:
    if not setting.endswith("="):
        if value is not None:
            raise UserError(f"{flag}: takes no value; {setting.partition('=')[0]}= does")
        return setting
    value = next(left, None) if value is None else value
    if value is None:
        raise UserError(f"{flag}: expected a value after it")
    return setting + quoted(value)


def _hydra_flag(verb: Verb, flag: str, value: str | None, left: Iterator[str]) -> str:
    """One argument, checked: Hydra itself answers a mistake with its usage."""
    name = _VALUED.get(flag, _PLAIN.get(flag, flag))
    if name not in _FLAGS:
        known = [*verb.flags, "--help", *sorted(_FLAGS)]
        raise UserError(f"{flag}: no such flag{closest(flag, known)}; settings are name=value")
    if name not in _VALUED.values():
        if value is not None:
            raise UserError(f"{name}: takes no value")
        return name
    if value is None:
        value = next(itertools.islice(left, 1), "all" if name == "--info" else None)
    if value is None:
        raise UserError(f"{name}: expected a value after it")
    if name in _SHOWN and value not in _SHOWN[name]:
        raise UserError(f"{name}: got {value!r}{closest(value, _SHOWN[name])}")
    return f"{name}={value}"


_NAME = re.compile(r"(\+\+?|~)?[^\s=()\[\]{},'\"]+")
"""What can be the name of a setting or of a group."""


def _is_override(verb: Verb, argument: str) -> bool:
    if argument.startswith(("~/", "./", "../", "/")):
        return False
    name, equals, _ = argument.partition("=")
    if verb.positional is not None and equals and os.path.exists(argument):
        return False  # a file of such a name: no setting has one
    if argument.startswith(("+", "~")):
        return True
    return bool(equals) and (verb.positional is None or _NAME.fullmatch(name) is not None)


def _override(argument: str, several: bool) -> str:
    """The override with its value quoted where Hydra's grammar would read something else."""
    name, equals, value = argument.partition("=")
    if not _NAME.fullmatch(name):
        raise UserError(f"{argument!r}: expected name=value, with the name of a setting")
    if not equals or name.startswith("~"):
        return argument
    if value.startswith("~/"):  # shells leave it as it is behind a name
        return f"{name}={quoted(os.path.expanduser(value))}"
    if _is_plain(value):
        return argument
    parsed = _parsed(value)
    last = re.split(r"[./]", name)[-1].lstrip("+")
    if parsed is None:
        literal = not value.startswith(("[", "{"))
    elif parsed.is_sweep_override():
        literal = last in _LITERAL and not several
    else:
        literal = last in _LITERAL and _is_text(parsed) and "${" not in value
    return f"{name}={quoted(value)}" if literal else argument


def _placed(verb: Verb, override: str) -> str:
    """The override as Hydra spells the choice of an option for another place than its group's."""
    name, equals, value = override.partition("=")
    group = verb.places.get(name)
    return f"{group}@{name}{equals}{value}" if group else override


def _is_plain(value: str) -> bool:
    """Whether any grammar reads it as it stands; most values are, and need no parser."""
    return re.fullmatch(r"[\w./:+-]*", value, re.ASCII) is not None


def _parsed(value: str) -> Any:
    """What Hydra makes of a value; None where it refuses it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return _parser(OverridesParser).parse_override(f"x={value}")
    except (HydraException, RecursionError, ValueError):
        return None


@functools.cache
def _parser(kind: Any) -> Any:
    return kind.create()


def _is_text(parsed: Any) -> bool:
    # A value in quotes is of a type of its own, and says itself what it is.
    return type(parsed._value) is str


def quoted(text: str) -> str:
    """A value that Hydra's grammar reads back as this text."""
    # Backslashes mean something before a quote alone, the closing one too.
    body = re.sub(r"(\\*)('|\Z)", lambda m: 2 * m[1] + ("\\'" if m[2] else ""), text)
    return f"'{body}'"
