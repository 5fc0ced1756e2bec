"""Tracebacks of evaluations that went wrong, kept for whoever has to mend the evaluator."""

from dataclasses import dataclass, replace
from pathlib import Path

from nas.executors.base import Outcome
from search_spaces.files import subfolder, write_text

FOLDER = "failures"


@dataclass(frozen=True, slots=True)
class Failures:
    """Keeps tracebacks, a file each, in a folder of a run folder."""

    run: Path

    def keep(self, name: str, outcome: Outcome) -> Outcome:
        """Write an outcome's traceback to `failures/NAME.txt`, and name that file in its reason.

        Gives the outcome back as it is where it has no traceback: what failed was foreseen.
        Raises OSError where the disk refuses.
        """
        if not outcome.trace:
            return outcome
        plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
        path = subfolder(self.run, FOLDER) / f"{plain}.txt"
        write_text(path, f"{outcome.reason}\n\n{outcome.trace}")
        return replace(outcome, reason=f"{outcome.reason}, see {FOLDER}/{path.name}")
