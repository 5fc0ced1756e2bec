"""What the terminal is told of a search's trials, one by one."""

from dataclasses import dataclass, field

from nas.runs.records import Record
from nas.searches.loop import SearchSettings
from nas.searches.standing import search_result
from nas.searches.time_budget import Timing
from nas.statistics.intervals import share_error
from nas.verbs.progress import ProgressLine


@dataclass(slots=True)
class SearchReport:
    """Tells the terminal of each record."""

    settings: SearchSettings
    timing: Timing
    """What the search learns of time."""
    images: int | None = None
    """Validated on."""
    line: ProgressLine = field(default_factory=lambda: ProgressLine("search"))

    def __call__(self, records: list[Record], finished: int) -> None:
        """Say what the latest record is worth, beside the best, and what is left to do."""
        found = search_result(records)
        note = ""
        if found is not None:
            best = found.baseline
            note = f"best reward {best.reward:.4f} "
            note += f"(proxy accuracy {accuracy_of(best, self.images)}, "
            note += f"{best.macs / 1e6:.0f}M MACs)"
        note = " · ".join(filter(None, (note, _failures(records))))
        # Those to come cost what those before them did, on average.
        typical = sum(record.macs for record in records) / len(records)
        clock = self.timing.clock
        if clock is None:
            missing = max(0, self.settings.trials - finished)
            left = self.timing.pace.left([typical] * missing)
            self.line(finished, self.settings.trials, note, left)
            return
        more = self.timing.trials_left(typical)
        # Where the next one would end too late, this one was the last, but for those under way.
        total = finished + (1 if more is None else int(more))
        self.line(finished, total, note, max(0.0, clock.left))


def _failures(records: list[Record]) -> str:
    """Spell how many trials failed, and why the latest did where it is the latest record."""
    failed = sum(record.accuracy is None for record in records)
    if not failed:
        return ""
    reason = records[-1].reason if records[-1].accuracy is None else ""
    return f"{failed} failed" + (f" (trial {records[-1].number}: {reason})" if reason else "")


def accuracy_of(record: Record, images: int | None) -> str:
    """Spell an accuracy with its error: over seeds, or as a share of the validation images."""
    accuracy, error = record.accuracy or 0.0, record.accuracy_stderr
    if error is None and images:
        return f"{accuracy:.4f} ± {share_error(accuracy, images):.4f} (of {images:,} images)"
    return f"{accuracy:.4f}" + ("" if error is None else f" ± {error:.4f}")
