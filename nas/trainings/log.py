"""The log of a run's trainings: a line of JSON each, on disk before it counts."""

from dataclasses import dataclass
from pathlib import Path

from nas.runs.json_lines import JsonLines
from nas.trainings.record import TrainingId, TrainingRecord, read_record

CONFIRMATION = "confirmation.jsonl"
SWEEP = "sweep.jsonl"
PER_STAGE = "per_stage.jsonl"
ABLATION = "ablation.jsonl"
PARTS = "parts.jsonl"
PROXY_CHECK = "proxy_check.jsonl"


def of_epochs(epochs: int) -> str:
    """What records call an evaluator that trains for other epochs than its stage's own."""
    return f"epochs {epochs}"


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """A file of training records with one writer; others may read it at any moment."""

    path: Path

    def read(self) -> list[TrainingRecord]:
        """The first record of each training, in the order in which they were finished.

        There are none without a file. Raises UserError, with the line, for a damaged one.
        """
        records: dict[TrainingId, TrainingRecord] = {}
        for record in self._lines.read(read_record):
            records.setdefault(record.id, record)
        return list(records.values())

    def append(self, record: TrainingRecord) -> None:
        """Write the record through to the disk. Raises OSError where it cannot."""
        self._lines.append(record.as_mapping())

    def repair(self) -> None:
        """Make ready for the next record, where the last was cut off."""
        self._lines.repair()

    @property
    def _lines(self) -> JsonLines:
        return JsonLines(self.path, "a training")
