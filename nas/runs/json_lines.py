"""A file of JSON lines with one writer; a writer that was killed leaves it readable."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from search_spaces.errors import UserError
from search_spaces.files import not_a_link, read_bytes

T = TypeVar("T")

_MOST_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Keeps records, a line each, that are on disk before they count."""

    path: Path
    kind: str
    """What there is a record of, for messages: `a training`."""

    def read(self, parse: Callable[[Any], T]) -> list[T]:
        """Give what `parse` makes of each line.

        A last line that was cut off while it was written is no record. Raises UserError for any
        other line that is no JSON or that `parse` makes nothing of, naming it.
        """
        records = []
        for number, line in enumerate(self._whole_lines(), start=1):
            try:
                records.append(parse(_value(line)))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                why = f": {error}" if isinstance(error, UserError) else ""
                where = f"{self.path}: line {number}"
                raise UserError(f"{where}: not a record of {self.kind}{why}") from None
        return records

    def append(self, record: Mapping[str, Any]) -> None:
        """Write the record through to the disk. Raises OSError where it cannot."""
        line = json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        with os.fdopen(os.open(not_a_link(self.path), flags, 0o666), "ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def repair(self) -> None:
        """Cut off a half-written last line, so that the next record starts a line of its own."""
        whole = sum(len(line) + 1 for line in self._whole_lines())
        if self.path.exists() and self.path.stat().st_size != whole:
            with not_a_link(self.path).open("rb+") as file:
                file.truncate(whole)
                os.fsync(file.fileno())

    def _whole_lines(self) -> list[bytes]:
        if not self.path.exists():
            return []
        return read_bytes(self.path, _MOST_BYTES).split(b"\n")[:-1]


def _value(line: bytes) -> Any:
    """What a line says. Raises UserError for one that is no JSON."""
    try:
        return json.loads(line.decode(), parse_constant=_no_number)
    except UserError:
        raise
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 text at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise UserError(f"not JSON at character {error.pos + 1}: {error.msg}") from None
    except RecursionError:
        raise UserError("not JSON: lists and mappings too deep inside each other") from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise UserError("not JSON: an integer of thousands of digits") from None


def _no_number(name: str) -> float:
    raise UserError(f"{name} is no number")
