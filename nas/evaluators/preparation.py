"""Preparing an evaluator: once, in the process that holds the run folder."""

import contextlib
import hashlib
import json
import sys
from pathlib import Path

from nas.evaluators.base import Evaluator, ProgressReport
from nas.evaluators.faults import EvaluatorFailed, told, trace
from search_spaces.errors import UserError
from search_spaces.files import working_folder_kept


def prepare(evaluator: Evaluator, workspace: Path, progress: ProgressReport) -> None:
    """Prepare an evaluator.

    Raises UserError as it does, and EvaluatorFailed for whatever else it raises.
    """
    try:
        # The program's own output is its answer.
        with working_folder_kept(), contextlib.redirect_stdout(sys.stderr):
            evaluator.prepare(workspace, progress)
    except (UserError, EvaluatorFailed, KeyboardInterrupt):
        raise
    except BaseException as error:
        message = f"evaluator: cannot be prepared: {told(evaluator, error, 'prepare')}"
        raise EvaluatorFailed(message, trace(error)) from error


def workspace_name(evaluator: Evaluator, identity: object) -> str:
    """Name the folder of an evaluator: its class, and a digest of what its accuracies depend on.

    So what was prepared with other settings or other data is never taken for its own.
    """
    plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in type(evaluator).__name__)
    text = json.dumps(identity, sort_keys=True, default=str)
    return f"{plain[:40]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
