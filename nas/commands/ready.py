"""Evaluators made ready before anything is started."""

import sys

from nas.evaluators.base import Evaluator, Reading


def ready(*evaluators: Evaluator) -> None:
    """Prepare them, and say at once on stderr what data they read, the same data once.

    Raises UserError for what would fail every evaluation.
    """
    said: set[str] = set()
    for evaluator in evaluators:
        evaluator.prepare()
        for line in evaluator.found().splitlines() if isinstance(evaluator, Reading) else ():
            if line not in said:
                print(line, file=sys.stderr, flush=True)
            said.add(line)
