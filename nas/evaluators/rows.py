"""Files of networks and their accuracies: a row a network, a column a choice."""

import io
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nas.defaults.conf import default
from nas.evaluators.identity import file_identity
from search_spaces.errors import UserError
from search_spaces.files import expanded, read_bytes, read_text
from search_spaces.parsing import closest
from search_spaces.space import Space, load_space

if TYPE_CHECKING:
    import pandas as pd

    from search_spaces.choices import Choice, Scalar

_READ = (".csv", ".parquet", ".json")
MOST_BYTES = 2**30
"""Size above which a file of networks is refused."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file."""

    params: "Mapping[str, Scalar]"
    accuracy: float
    """Fraction."""
    std: float | None = None
    """Standard deviation over trainings, a fraction; None where it is unknown."""


@dataclass(frozen=True, kw_only=True)
class RowsFile:
    """Where a file of accuracies is, and how to read it.

    CSV with a header, parquet, or JSON (a list of records, or a mapping of columns). Columns that
    no field names are ignored, and so are rows without an accuracy: the failed trials of a
    trials.csv.
    """

    path: str
    space: Mapping[str, Any]
    """The space whose choices the columns are, as its config spells it."""
    scale: Literal["fraction", "percent"] = default("evaluator/table", "scale")
    """What the accuracies and their deviations are written in."""
    accuracy: str = default("evaluator/table", "accuracy")
    """The column of accuracies."""
    accuracy_std: str | None = default("evaluator/table", "accuracy_std")
    """The column of their standard deviations over trainings."""
    runs: str | None = default("evaluator/table", "runs")
    """The column of the number of trainings; deviations count where it is at least 2."""
    columns: Mapping[str, str] = field(
        default_factory=lambda: default("evaluator/table", "columns")
    )
    """The columns of choices, by choice, where they are not called like their choice."""
    dataset: str | None = default("evaluator/table", "dataset")
    """What the accuracies are of, in words, for whoever reads them; the file's name when None."""

    @cached_property
    def loaded_space(self) -> Space:
        """The space that `space` spells."""
        return load_space(self.space, "space")

    def identity(self) -> Mapping[str, object]:
        """Give how the file is read, and its content."""
        return file_identity(self, self.path, MOST_BYTES)

    def rows(self) -> list[Row]:
        """Read the file's networks; raises UserError with the file, the column and the row."""
        space = self.loaded_space
        frame = read_frame(self.path)
        frame = frame[self._column(frame, "accuracy", self.accuracy).notna().to_numpy()]
        if frame.empty:
            raise UserError(f"{self.path}: no row has an accuracy")
        accuracies = self._fractions(frame)
        options = [self._options(frame, choice) for choice in space.choices]
        names = [choice.name for choice in space.choices]
        return [
            Row(dict(zip(names, params, strict=True)), accuracy, std)
            for params, accuracy, std in zip(
                zip(*options, strict=True), accuracies, self._deviations(frame), strict=True
            )
        ]

    def networks(self) -> dict[str, Row]:
        """Read rows by the key of their network; those of one network are averaged."""
        found: dict[str, list[Row]] = {}
        for row in self.rows():
            found.setdefault(self.loaded_space.decode(row.params).key(), []).append(row)
        return {key: _mean(rows) for key, rows in found.items()}

    def described_dataset(self) -> str:
        """Say what the accuracies are of."""
        return self.dataset or Path(self.path).name

    def _column(self, frame: "pd.DataFrame", what: str, name: str) -> "pd.Series[Any]":
        if name not in frame.columns:
            raise UserError(
                f"{self.path}: no column {name!r} ({what}){closest(name, map(str, frame.columns))}"
            )
        return frame[name]

    def _numbers(self, frame: "pd.DataFrame", what: str, name: str) -> list[float]:
        column = self._column(frame, what, name)
        numbers = []
        for line, value in zip(column.index, column, strict=True):
            try:
                numbers.append(float(value))
            except (TypeError, ValueError):
                raise UserError(
                    f"{self.path}: row {line}: {name}: expected a number, got {value!r}"
                ) from None
        return numbers

    def _fractions(self, frame: "pd.DataFrame") -> list[float]:
        numbers = self._numbers(frame, "accuracy", self.accuracy)
        largest = 1 if self.scale == "fraction" else 100
        for line, number in zip(frame.index, numbers, strict=True):
            if not 0 <= number <= largest:
                hint = "; is scale=percent meant?" if largest == 1 and 1 < number <= 100 else ""
                raise UserError(
                    f"{self.path}: row {line}: {self.accuracy}: expected a {self.scale} from 0 to "
                    f"{largest}, got {number:g}{hint}"
                )
        if self.scale == "percent" and max(numbers) <= 1:
            raise UserError(
                f"{self.path}: {self.accuracy}: expected percent, but none is above 1; "
                f"is scale=fraction meant?"
            )
        return [number / largest for number in numbers]

    def _deviations(self, frame: "pd.DataFrame") -> list[float | None]:
        if self.accuracy_std is None:
            return [None] * len(frame)
        largest = 1 if self.scale == "fraction" else 100
        found = self._numbers(frame, "accuracy_std", self.accuracy_std)
        runs = [2.0] * len(frame) if self.runs is None else self._numbers(frame, "runs", self.runs)
        return [
            std / largest if math.isfinite(std) and count >= 2 else None
            for std, count in zip(found, runs, strict=True)
        ]

    def _options(self, frame: "pd.DataFrame", choice: "Choice") -> "list[Scalar]":
        name = self.columns.get(choice.name, choice.name)
        column = self._column(frame, f"a choice of space {self.loaded_space.name}", name)
        options: dict[object, Scalar] = {str(option): option for option in choice.options}
        options |= {option: option for option in choice.options}
        picked = []
        for line, value in zip(column.index, column, strict=True):
            try:
                picked.append(options[value])
            except (KeyError, TypeError):
                shown = value.item() if hasattr(value, "item") else value
                try:
                    choice.check(shown)
                except UserError as error:
                    raise UserError(f"{self.path}: row {line}: {error}") from None
                picked.append(shown)
        return picked


def _mean(rows: list[Row]) -> Row:
    if len(rows) == 1:
        return rows[0]
    return Row(rows[0].params, statistics.fmean(row.accuracy for row in rows))


def read_frame(path: str) -> "pd.DataFrame":
    """Read the table in a file, rows numbered from 1; raises UserError where it cannot be read."""
    import pandas as pd

    file = expanded(path)
    suffix = file.suffix.lower()
    if suffix not in _READ:
        raise UserError(f"{path}: expected a file of {', '.join(_READ)}, got {suffix!r}")
    try:
        if suffix == ".csv":
            frame = pd.read_csv(io.BytesIO(read_bytes(file, MOST_BYTES)))
        elif suffix == ".parquet":
            frame = pd.read_parquet(io.BytesIO(read_bytes(file, MOST_BYTES)))
        else:
            frame = pd.DataFrame(_records(read_json(path)))
    except UserError:
        raise
    except Exception as error:  # each reader has errors of its own
        raise UserError(f"{path}: cannot be read: {_first_line(error)}") from None
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return frame


def read_json(path: str) -> Any:
    """Read plain data from a JSON file; raises UserError where it cannot be read."""
    text = read_text(expanded(path), MOST_BYTES)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read: {_first_line(error)}") from None


def _records(data: Any) -> Any:
    if isinstance(data, Sequence) and all(isinstance(record, Mapping) for record in data):
        return data
    if isinstance(data, Mapping) and all(isinstance(column, list) for column in data.values()):
        return data
    raise ValueError("expected a list of records, or a mapping of columns")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
