"""What an evaluator's accuracies depend on, wherever the files that it reads lie."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from search_spaces.files import read_bytes

_PLACES = ("path", "cache")
"""Fields that say where something lies, not what it is."""


@runtime_checkable
class Identified(Protocol):
    """An evaluator that tells what its accuracies depend on, of files their content."""

    def identity(self) -> Mapping[str, object]:
        """Plain data. Raises UserError for files that cannot be read."""
        ...


def identity_of(evaluator: object, settings: Any) -> Any:
    """What records of the evaluator are records of: its identity, or else its settings."""
    return dict(evaluator.identity()) if isinstance(evaluator, Identified) else settings


def file_identity(evaluator: Any, path: str, most: int) -> dict[str, object]:
    """The identity of a dataclass that reads one file of at most `most` bytes."""
    kind = type(evaluator)
    names = [each.name for each in dataclasses.fields(evaluator) if each.name not in _PLACES]
    content = read_bytes(Path(path).expanduser(), most)
    return {
        "kind": f"{kind.__module__}.{kind.__qualname__}",
        **{name: getattr(evaluator, name) for name in names},
        "digest": hashlib.sha256(content).hexdigest()[:16],
    }
