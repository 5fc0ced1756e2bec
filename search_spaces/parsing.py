"""Conversion of plain mappings into frozen dataclasses; errors name the path to what is wrong."""

import dataclasses
import difflib
import functools
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from search_spaces.errors import UserError, shown

_SYNONYMS: Mapping[str, str] = {
    "swish": "silu",
    "hswish": "hard_swish",
    "h_swish": "hard_swish",
    "hardswish": "hard_swish",
}
"""Names that other libraries use, with the names here that mean the same"""

T = TypeVar("T")

_SCALARS = {int: "an integer", float: "a number", bool: "true or false", str: "a string"}


def from_mapping(cls: type[T], data: object, path: str = "") -> T:
    """An instance of the dataclass `cls` from a mapping such as YAML gives.

    Raises UserError for unknown or missing fields, wrong types and impossible values, each with
    its path, as in `stages[2].kernel: expected an integer, got 'three'`.
    """
    if not isinstance(data, Mapping):
        raise UserError(
            f"{_where(path)}expected a mapping of {cls.__name__} fields, got {shown(data)}"
        )
    hints = _hints(cls)  # type: ignore[arg-type]
    for name in data:
        if name not in hints:
            raise UserError(f"{_where(path)}unknown field {shown(name)}{closest(name, hints)}")
    values = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name in data:
            values[field.name] = _convert(
                hints[field.name], data[field.name], f"{path}.{field.name}".lstrip(".")
            )
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UserError(f"{_where(path)}missing field '{field.name}'")
    try:
        return cls(**values)
    except UserError as error:
        raise error.under(f"{path}." if path else "") from None


def to_mapping(value: Any) -> Any:
    """A dataclass as plain mappings, lists and scalars, without the fields at their default."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: to_mapping(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not _is_default(field, getattr(value, field.name))
        }
    if isinstance(value, tuple | list):
        return [to_mapping(item) for item in value]
    return value


def closest(name: object, known: Iterable[object]) -> str:
    """A hint for a misspelt name: the most similar known one, or all of them."""
    names = [str(item) for item in known]
    # Longer names take longer to compare, and nobody misspells a name by a hundred letters.
    misspelt = str(name)[:100]
    meant = _SYNONYMS.get(misspelt.lower())
    near = [meant] if meant in names else difflib.get_close_matches(misspelt, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; expected one of: {', '.join(names)}"


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _convert(hint: Any, value: Any, path: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_optional(hint, value, path)
    if origin is typing.Literal:
        options = typing.get_args(hint)
        if value not in options:
            raise UserError(f"{path}: got {shown(value)}{closest(value, options)}")
        return value
    if origin is Mapping and not isinstance(value, Mapping):
        raise UserError(f"{path}: expected a mapping, got {shown(value)}")
    if origin is tuple:
        return _convert_tuple(typing.get_args(hint), value, path)
    if dataclasses.is_dataclass(hint) and not isinstance(value, typing.cast(type, hint)):
        return from_mapping(typing.cast(type, hint), value, path)
    # A value for a field of any other type is an object of that type already.
    return _convert_scalar(hint, value, path) if hint in _SCALARS else value


def _convert_tuple(items: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise UserError(f"{path}: expected a list, got {shown(value)}")
    if Ellipsis in items:
        items = items[:1] * len(value)
    if len(value) != len(items):
        raise UserError(f"{path}: expected a list of {len(items)}, got {shown(value)}")
    pairs = zip(items, value, strict=True)
    return tuple(_convert(item, v, f"{path}[{i}]") for i, (item, v) in enumerate(pairs))


def _convert_optional(hint: Any, value: Any, path: str) -> Any:
    if value is None:
        return None
    (inner,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
    return _convert(inner, value, path)


def _convert_scalar(hint: Any, value: Any, path: str) -> Any:
    # A bool is an int in Python, but no number to whoever writes a file.
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value) is hint:
        return value
    raise UserError(f"{path}: expected {_SCALARS[hint]}, got {shown(value)}")


def _is_default(field: "dataclasses.Field[Any]", value: object) -> bool:
    if field.default is not dataclasses.MISSING:
        return bool(value == field.default)
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return False


def _where(path: str) -> str:
    return f"{path}: " if path else ""
