"""What an evaluator's accuracies depend on, wherever the files that it reads lie."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.evaluators.asked import identity
from nas.evaluators.base import Evaluator
from search_spaces.files import expanded, read_bytes

_PLACES = ("path", "cache")
"""Fields that say where something lies, not what it is."""


def identity_of(evaluator: Evaluator, settings: Any) -> Any:
    """Give what its records are records of: its own identity, or else its settings."""
    own = identity(evaluator)
    return spelt(settings) if own is None else own


def spelt(settings: Any) -> Any:
    """Give settings as plain data: an object by its class, with its fields or its attributes."""
    if isinstance(settings, Mapping):
        return {str(name): spelt(value) for name, value in settings.items()}
    if isinstance(settings, list | tuple):
        return [spelt(each) for each in settings]
    if settings is None or isinstance(settings, bool | int | float | str):
        return settings
    if isinstance(settings, Path):
        return str(settings)
    if isinstance(settings, type) or (callable(settings) and hasattr(settings, "__qualname__")):
        return f"{settings.__module__}.{settings.__qualname__}"
    if dataclasses.is_dataclass(settings):
        fields = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings) if f.init}
    else:
        fields = {k: v for k, v in getattr(settings, "__dict__", {}).items() if k[0] != "_"}
    return {"_target_": kind_of(settings), **spelt(fields)}


def kind_of(evaluator: object) -> str:
    """Name the class of an evaluator, with its module."""
    kind = type(evaluator)
    return f"{kind.__module__}.{kind.__qualname__}"


def plain(value: object) -> object:
    """Give a setting as plain data."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return list(value) if isinstance(value, tuple) else value


def file_identity(evaluator: Any, path: str, most: int) -> dict[str, object]:
    """Give the identity of a dataclass that reads one file of at most `most` bytes."""
    names = [each.name for each in dataclasses.fields(evaluator) if each.name not in _PLACES]
    content = read_bytes(expanded(path), most)
    return {
        "kind": kind_of(evaluator),
        **{name: getattr(evaluator, name) for name in names},
        "digest": hashlib.sha256(content).hexdigest()[:16],
    }
