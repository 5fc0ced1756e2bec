"""The types of settings: each reads a value, or says what was expected in its place."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from nas.defaults.limits import MOST_THREADS
from nas.verbs.config import Config, at_least
from search_spaces.errors import UserError, shown
from search_spaces.files import expanded

Reader = Callable[[str, object], Any]
"""From a setting's name and its value to the value to use; raises UserError for another kind."""


def path(name: str, given: object) -> str:
    """A file or a folder, with `~` for the home folder."""
    if not isinstance(given, str) or not given or "\0" in given:
        hint = f"; a file of that name is ./{given}" if _is_scalar(given) else ""
        raise UserError(f"{name}: expected a path, got {given!r}{hint}")
    try:
        given.encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(f"{name}: expected a path in UTF-8, got {given!r}") from None
    return str(expanded(given))


def paths(name: str, given: object) -> list[str]:
    """A file or a folder, or a list of such."""
    if not isinstance(given, list):
        return [path(name, given)]
    if not given:
        raise UserError(f"{name}: expected a path, or several, got none")
    return [path(f"{name}[{index}]", each) for index, each in enumerate(given)]


def network(name: str, given: object) -> str:
    """A network of the zoo by its name, or a YAML file."""
    if not isinstance(given, str) or not given or "\0" in given:
        raise UserError(f"{name}: expected a network of the zoo or a YAML file, got {given!r}")
    return given


def networks(name: str, given: object) -> list[str]:
    """A list of such; numbers in it are names of files."""
    if not isinstance(given, list):
        raise UserError(f"{name}: expected zoo names or YAML files, got {given!r}")
    for index, each in enumerate(given):
        network(f"{name}[{index}]", each)
    return given


def database(name: str, given: object) -> Any:
    """The URL of a database, which is read where it is opened."""
    return given


def table_file(name: str, given: object) -> bool | str | None:
    """Whether a table is asked for, or the file that it is to be written to."""
    return given if isinstance(given, bool) or given is None else path(name, given)


def text(name: str, given: object) -> str:
    """A name that is not a number."""
    if not isinstance(given, str) or not given:
        raise UserError(f"{name}: expected a name, got {given!r}")
    return given


def label(name: str, given: object) -> str:
    """The name of a class; it may be a whole number."""
    if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
        raise UserError(f"{name}: expected the name of a class, got {given!r}")
    return str(given)


def number(name: str, given: object) -> float:
    """A finite number."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise UserError(f"{name}: expected a number, got {given!r}")
    return given


def flag(name: str, given: object) -> bool:
    """True or false."""
    if not isinstance(given, bool):
        raise UserError(f"{name}: expected true or false, got {given!r}")
    return given


def anything(name: str, given: object) -> Any:
    """A value that is checked where it is used."""
    return given


def integer(least: int) -> Reader:
    """An integer of at least `least`."""
    return lambda name, given: at_least(name, given, least)


def processors(least: int) -> Reader:
    """A number of threads or processes, of at least `least`, that a machine may have."""

    def read(name: str, given: object) -> int:
        count = at_least(name, given, least)
        if count > MOST_THREADS:
            raise UserError(f"{name}: expected at most {MOST_THREADS}, got {shown(count)}")
        return count

    return read


def optional(reader: Reader) -> Reader:
    """None, or what `reader` reads."""
    return partial(_optional, reader)


def _optional(reader: Reader, name: str, given: object) -> Any:
    return None if given is None else reader(name, given)


_LITERAL = (path, paths, network, text, label, database, table_file)


def is_literal(reader: Reader) -> bool:
    """Whether a value of this type is a name of something, not an expression.

    Of Hydra's grammar, only quotes, null, numbers, lists and `${…}` mean something in it.
    """
    return inner(reader) in _LITERAL


def inner(reader: Reader) -> Reader:
    """What reads the value where there is one, of a type that may be None."""
    return reader.args[0] if isinstance(reader, partial) else reader


_PLAIN = (type(None), bool, int, float, str, list, tuple, Mapping)


def group(*needed: str) -> Reader:
    """An option's settings, among them those that are needed, or an object in their place."""

    def read(name: str, given: object) -> Any:
        if "_target_" in needed and not isinstance(given, _PLAIN):
            return given
        if not isinstance(given, Mapping):
            raise UserError(f"{name}: expected an option's settings, got {given!r}")
        for each in needed:
            if each not in given:
                raise UserError(f"{name}.{each}: missing; leave it as it is, or give a value")
        return given

    return read


def search(name: str, given: object) -> Any:
    """A search's settings, with a time, where one is given, in the spelling that times have."""
    read = group("workers", "start_from")(name, given)
    budget = read.get("budget")
    if budget is not None and not isinstance(budget, str):
        raise UserError(f"{name}.budget: expected a time such as 90s, 30m or 2h, got {budget!r}")
    return read


_OF_THIS_MACHINE = ("nas.data.folders.ImageFolder", "nas.data.image_rows.Parquet")


def data(name: str, given: object) -> Any:
    """A data set's settings. Data that do not lie where they say are told here, at once.

    Making the data set would tell it too, after seconds in which frameworks are imported.
    """
    from nas.data.paths import existing, local

    read = group("_target_")(name, given)
    for node in _nodes(read):
        where = node.get("path")
        if node.get("_target_") in _OF_THIS_MACHINE and isinstance(where, str) and where:
            existing(local(where))
    return read


def evaluator(name: str, given: object) -> Any:
    """An evaluator's settings, with those of the data that it reads."""
    return data(name, given)


def _nodes(node: object) -> Iterator[Mapping[str, Any]]:
    inner: Iterable[object] = node if isinstance(node, list) else ()
    if isinstance(node, Mapping):
        yield node
        inner = node.values()
    for each in inner:
        yield from _nodes(each)


def checked(settings: Mapping[str, Reader], config: Config) -> Config:
    """The configuration with each of these settings there and of its type.

    Raises UserError for the first that is missing or of another type.
    """
    _check_numbers(config, "")
    read = dict(config)
    for name, reader in settings.items():
        if name not in config:
            raise UserError(f"{name}: missing; leave it as it is, or give a value")
        read[name] = reader(name, config[name])
    return read


def _check_numbers(node: object, place: str) -> None:
    """Raises UserError for an integer that no file of settings gives back."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            _check_numbers(value, f"{place}.{name}".lstrip("."))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            _check_numbers(value, f"{place}[{index}]")
    elif isinstance(node, int) and not -(2**63) <= node < 2**63:
        raise UserError(f"{place}: expected a number of up to 64 bits, got {shown(node)}")


def _is_scalar(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
