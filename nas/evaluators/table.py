"""Accuracies that are known already: looked up in a table instead of trained for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nas.evaluators.base import (
    EvaluationFailed,
    Evaluator,
    Measurement,
    ProgressReport,
    Report,
)
from nas.evaluators.rows import RowsFile
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.space import Space


@dataclass(frozen=True, kw_only=True)
class TableEvaluator(RowsFile, Evaluator):
    """Looks an architecture up in a table of networks of the space.

    Networks are told apart by what they are, not by how they are spelt; the accuracies of rows
    that are one network are averaged. A network of the space that the table lacks is a failed
    candidate, and counts towards `search.failures_max`: so a table that covers little of its
    space is better searched through `evaluator=surrogate`.
    """

    @cached_property
    def table(self) -> Mapping[str, Measurement]:
        """Measurements of networks by their keys."""
        return {
            key: Measurement(accuracy=row.accuracy, noise=row.std)
            for key, row in self.networks().items()
        }

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """Give the table's accuracy, whatever the seed."""
        return look_up(self.table, arch, self.loaded_space, self.path)

    def describe(self) -> Mapping[str, str | int | float]:
        return {
            "dataset": self.described_dataset(),
            "accuracies": "looked up in a table",
            "networks": len(self.table),
        }

    def exact(self) -> bool:
        """Say that a table has one accuracy of each network."""
        return True

    def prepare(self, workspace: Path, progress: ProgressReport) -> None:
        """Read the table; raises UserError where it is none of this space."""
        _ = self.table


def look_up(table: Mapping[str, Measurement], arch: Arch, space: Space, source: str) -> Measurement:
    """Give what a table of `space` says of `arch`.

    Raises EvaluationFailed where it says nothing, UserError where it could not: `arch` is not in
    the space.
    """
    try:
        return table[arch.key()]
    except KeyError:
        check_in_space(arch, space, source)
        raise EvaluationFailed(f"not in the table {source}") from None


def check_in_space(arch: Arch, space: Space, source: str) -> None:
    """Raise UserError, saying what a table is for, where `arch` is not in the space."""
    try:
        space.encode(arch)
    except UserError as error:
        raise UserError(
            f"evaluator: {source} has accuracies of networks of space {space.name} alone, for "
            f"nas-search search: {error}"
        ) from None
