"""Preparing an evaluator: once, in the process that holds the run folder."""

import contextlib
import hashlib
import json
import sys
from pathlib import Path

from nas.evaluators.base import Evaluator, ProgressReport
from nas.evaluators.faults import told, trace
from search_spaces.errors import UserError


class PreparationFailed(Exception):
    """An evaluator whose `prepare` raised what is no user's mistake."""

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace


def prepare(evaluator: Evaluator, workspace: Path, progress: ProgressReport) -> None:
    """Prepare an evaluator.

    Raises UserError as it does, and PreparationFailed for whatever else it raises.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # the program's own output is its answer
            evaluator.prepare(workspace, progress)
    except (UserError, KeyboardInterrupt):
        raise
    except BaseException as error:
        message = f"evaluator: cannot be prepared: {told(evaluator, error, 'prepare')}"
        raise PreparationFailed(message, trace(error)) from error


def workspace_name(evaluator: Evaluator, identity: object) -> str:
    """Name the folder of an evaluator: its class, and a digest of what its accuracies depend on.

    So what was prepared with other settings or other data is never taken for its own.
    """
    plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in type(evaluator).__name__)
    text = json.dumps(identity, sort_keys=True, default=str)
    return f"{plain[:40]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
