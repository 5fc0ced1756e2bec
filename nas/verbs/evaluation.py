"""An evaluator in a command: prepared once, and what it read said before anything is trained."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from nas.evaluators.asked import data_summary, description, for_networks, for_scaled_networks
from nas.evaluators.base import Evaluator
from nas.evaluators.faults import EvaluatorFailed
from nas.evaluators.identity import identity_of
from nas.evaluators.preparation import prepare, workspace_name
from nas.executors.base import Executor, Outcome
from nas.runs.folder import RunFolder
from nas.trainings.failures import Failures
from nas.verbs.classes import NAMED
from nas.verbs.config import Config, make
from nas.verbs.progress import ProgressLine
from search_spaces.arch import Arch
from search_spaces.errors import CommandFailed, one_line


def scaled_evaluator(config: Config) -> Evaluator:
    """Make the evaluator of networks that are grown, and so beyond the space. Raises UserError."""
    made: Evaluator = make(config["evaluator"], "evaluator", Evaluator)
    return for_scaled_networks(made)


def evaluator_of(config: Config, networks: Sequence[Arch]) -> Evaluator:
    """Make the evaluator of these grown networks, all that it is asked for. Raises UserError."""
    return for_networks(scaled_evaluator(config), networks)


def measured_with(
    evaluator: Evaluator, config: Config, names: Sequence[str] = ()
) -> dict[str, Any]:
    """Give what tells its records from those of others, and what readers of them should know.

    `names` are those of the classes that the networks tell apart.
    """
    named = {NAMED: list(names)} if names else {}
    return {
        "evaluator": identity_of(evaluator, config["evaluator"]),
        "about": {**description(evaluator), **named},
    }


def prepare_in(folder: RunFolder, evaluator: Evaluator, identity: object) -> None:
    """Prepare an evaluator in a run folder that is held; `identity` is what its records are of.

    Raises UserError as the evaluator does. Raises CommandFailed where it fails otherwise, with
    its traceback kept in the run folder.
    """
    name, progress = workspace_name(evaluator, identity), _Preparation()
    try:
        with folder.workspace(name) as workspace, contextlib.closing(progress):
            prepare(evaluator, workspace, progress)
    except EvaluatorFailed as error:
        outcome = Outcome(number=0, reason=str(error), trace=error.trace)
        raise CommandFailed(Failures(folder.path).keep("prepare", outcome).reason) from None


def say_data(*evaluators: Evaluator) -> None:
    """Say on stderr what data the evaluators read, the same data once."""
    lines = [line for each in evaluators for line in data_summary(each).splitlines()]
    for line in dict.fromkeys(lines):
        print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def started(
    executor: Callable[[], Executor], folder: RunFolder, evaluator: Evaluator, identity: object
) -> Iterator[Executor]:
    """Prepare an evaluator, start its executor, and say what data were read.

    Raises as `prepare_in` and the executor do.
    """
    prepare_in(folder, evaluator, identity)
    with executor() as workers:
        say_data(evaluator)
        yield workers


@dataclass(slots=True)
class _Preparation:
    """Tells the terminal how far a preparation is."""

    line: ProgressLine = field(default_factory=lambda: ProgressLine("prepare"))
    first: tuple[int, float] | None = None
    """Steps that were finished when it was first told, and when: an earlier call may have taken
    them."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        self.first = self.first or (done, now)
        steps, since = done - self.first[0], now - self.first[1]
        left = since / steps * (total - done) if steps > 0 else None
        self.line(done, total, one_line(str(note)), left)

    def close(self) -> None:
        """Leave the terminal to others."""
        self.line.end()
