"""Configuration as plain data, and the objects that are made of it."""

import dataclasses
import inspect
import typing
from collections.abc import Mapping
from typing import Any

from nas.verbs.own_modules import imported
from search_spaces.errors import UserError
from search_spaces.files import working_folder_kept
from search_spaces.parsing import from_mapping

Config = dict[str, Any]


def make(node: Any, path: str, kind: Any = None) -> Any:
    """The object that a configuration node with a `_target_` stands for, and so on inside it.

    A dataclass gets its fields checked by type, with the path of whatever does not fit. Raises
    UserError for a target that cannot be imported, does not take these arguments, or makes
    something that does not inherit from `kind`, or lacks the methods of the protocol `kind`.
    """
    with working_folder_kept():
        made = _made(node, path)
    if kind is not None:
        _check_kind(made, kind, path)
    return made


def _made(node: Any, path: str) -> Any:
    if isinstance(node, list):
        return [_made(item, f"{path}[{i}]") for i, item in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    values = {name: _made(v, f"{path}.{name}") for name, v in node.items() if name != "_target_"}
    if "_target_" not in node:
        return values
    target = imported(node["_target_"], f"{path}._target_")
    try:
        if dataclasses.is_dataclass(target):
            return _dataclass(target, values, path)
        return target(**values)
    except (UserError, OSError):
        raise
    except TypeError as error:
        raise UserError(f"{path}: {node['_target_']}: {error}") from None
    except Exception as error:  # whatever a class of the user's own raises
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"{path}: {node['_target_']}: {reason}") from None


def _dataclass(target: Any, values: Mapping[str, Any], path: str) -> Any:
    """The dataclass of these values, each checked against its field's type."""
    hints = typing.get_type_hints(target)
    for name, value in values.items():
        if _is_seam(hints.get(name)):
            _check_kind(value, hints[name], f"{path}.{name}")
    return from_mapping(target, values, path)


def _is_seam(hint: Any) -> bool:
    """Whether objects of that type are made by `_target_`, and have to be checked by hand."""
    return getattr(hint, "_is_protocol", False) or inspect.isabstract(hint)


def _check_kind(made: object, kind: Any, path: str) -> None:
    if inspect.isabstract(kind) and not isinstance(made, _PLAIN):
        if not isinstance(made, kind):
            raise UserError(
                f"{path}: expected an {kind.__name__}; {type(made).__name__} does not inherit from "
                f"{kind.__module__}.{kind.__qualname__}"
            )
        _check_parameters(made, kind, path)
        return
    wanted = [n for n in vars(kind) if n == "__call__" or not n.startswith("_")]
    for name in wanted:
        if callable(getattr(kind, name)) and not callable(getattr(made, name, None)):
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            got = f"got {made!r}" if isinstance(made, _PLAIN) else f"{type(made).__name__} is none"
            raise UserError(f"{path}: expected {article} {kind.__name__} with {name}(); {got}")


def _check_parameters(made: object, kind: Any, path: str) -> None:
    """Raise UserError for a method that does not take what the base class says it is given."""
    for name, method in vars(kind).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        _, *wanted = inspect.signature(method).parameters
        try:
            taken = inspect.signature(getattr(made, name))
        except (TypeError, ValueError):  # some that are written in C tell none
            continue
        try:
            taken.bind(*wanted)
        except TypeError:
            raise UserError(
                f"{path}: {type(made).__name__}.{name} takes {taken}; expected "
                f"{name}({', '.join(('self', *wanted))})"
            ) from None


_PLAIN = (type(None), bool, int, float, str, list, dict)


def at_least(name: str, given: object, least: int) -> int:
    """`given`, an integer. Raises UserError, which names the setting, for anything else."""
    if not isinstance(given, int) or isinstance(given, bool) or given < least:
        raise UserError(f"{name}: expected an integer of at least {least}, got {given!r}")
    return given
