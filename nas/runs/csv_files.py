"""Tables as CSV files, written whole or not at all."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from search_spaces.files import write_text


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a header and a line a row; what a row lacks, None and NaN are empty cells."""
    write_table(path, columns, ([row.get(name) for name in columns] for row in rows))


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and a line a row; None and NaN are empty cells."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    for row in rows:
        writer.writerow(["" if _missing(cell) else cell for cell in row])
    write_text(path, text.getvalue())


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How cells begin that spreadsheets compute instead of showing."""


def text_cell(name: object) -> str:
    """A name from a stranger as a cell that every spreadsheet shows and none computes.

    One that begins like a formula gets an apostrophe before it; bytes that are no UTF-8 are
    escaped.
    """
    text = str(name).encode("utf-8", "backslashreplace").decode("utf-8")
    return f"'{text}" if text.startswith(_FORMULA) else text


def _missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
