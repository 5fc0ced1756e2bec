"""trials.csv: a search's records as a table, for people, spreadsheets and a study that is lost."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nas.runs.csv_files import write_rows
from nas.runs.records import Record, Standing, check_figures
from search_spaces.choices import Choice
from search_spaces.errors import UserError
from search_spaces.files import read_text
from search_spaces.parsing import from_mapping
from search_spaces.space import Space

COLUMNS = (
    "number",
    "state",
    "accuracy",
    "accuracy_stderr",
    "reward",
    "confirmed",
    "confirmed_stderr",
    "expected",
    "expected_stderr",
    "macs",
    "params",
    "activations",
    "cost",
    "front",
    "baseline",
    "tie",
    "seconds",
    "seeds",
    "compact",
    "key",
    "file",
    "reason",
    "note",
    "proposal",
    "curves",
)
_NUMBERS = {
    "number": int,
    "proposal": int,
    "macs": int,
    "params": int,
    "activations": int,
    "seeds": int,
    "accuracy": float,
    "accuracy_stderr": float,
    "reward": float,
    "cost": float,
    "seconds": float,
}
_MOST_BYTES = 256 * 2**20


def rows(
    records: Iterable[Record], result: Standing | None, files: Mapping[int, str]
) -> Iterable[dict[str, Any]]:
    """A row a record, of the columns above and a column a choice; `files` by record number."""
    front = {record.number for record in result.front} if result else set()
    best = result.baseline.number if result else None
    ties = {record.number for record in result.ties} if result else set()
    for record in records:
        alone = result.confirmed.get(record.number) if result else None
        derived = {
            "confirmed": alone.accuracy if alone else None,
            "confirmed_stderr": alone.stderr if alone else None,
            "expected": alone.expected if alone else None,
            "expected_stderr": alone.expected_stderr if alone else None,
            "front": record.number in front,
            "baseline": record.number == best,
            "tie": record.number in ties,
            "file": files.get(record.number, ""),
            "curves": json.dumps(record.curves) if record.curves else "",
        }
        cells = {n: derived[n] if n in derived else getattr(record, n) for n in COLUMNS}
        yield cells | dict(record.choices)


def write_csv(
    path: Path, records: Iterable[Record], result: Standing | None, files: Mapping[int, str]
) -> None:
    """Write the table; columns of choices stand at the end, in the order of their stages."""
    kept = list(records)
    choices = sorted({name for record in kept for name in record.choices}, key=_natural)
    write_rows(path, (*COLUMNS, *choices), rows(kept, result, files))


def read_csv(path: Path, space: Space) -> list[Record]:
    """The records that a table was written from, in their order.

    Raises UserError, with the row, for a table of another space and for what was changed so that
    it is no record any more.
    """
    table = enumerate(_read(path), start=1)
    records = [_record(row, space, f"{path}: row {number}: ") for number, row in table]
    return sorted(records, key=lambda record: record.number)


def count_rows(path: Path) -> int:
    """How many trials a table holds; none where there is no table."""
    return len(_read(path)) if path.exists() else 0


def _read(path: Path) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(read_text(path, _MOST_BYTES), newline="")))
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV table: {error}") from None


def _record(row: Mapping[str, str], space: Space, where: str) -> Record:
    given = {name: row.get(name) or "" for name in COLUMNS}
    fields: dict[str, Any] = {n: given[n] for n in ("state", "key", "compact", "reason", "note")}
    try:
        for name, number in _NUMBERS.items():
            fields[name] = number(given[name]) if given[name] else None
        fields["curves"] = json.loads(given["curves"] or "[]")
    except (ValueError, RecursionError):
        raise UserError(f"{where}expected numbers, got {given!r}"[:300]) from None
    fields["choices"] = {choice.name: _option(choice, row, where) for choice in space.choices}
    fields["arch"] = space.decode(fields["choices"])
    try:
        record = from_mapping(Record, fields)
    except UserError as error:
        raise error.under(where) from None
    check_figures(record, where)
    if record.arch.key() != record.key:
        raise UserError(f"{where}its choices are not those of the network {record.key!r}")
    return record


def _option(choice: Choice, row: Mapping[str, str], where: str) -> Any:
    spelt = {str(option): option for option in choice.options}
    try:
        return spelt[row.get(choice.name) or ""]
    except KeyError:
        known, given = ", ".join(spelt), row.get(choice.name)
        raise UserError(f"{where}{choice.name}: expected one of {known}, got {given!r}") from None


def _natural(name: str) -> tuple[int, str]:
    stage = name.partition("_")[0][1:]
    return (int(stage) if stage.isdigit() else -1, name)
