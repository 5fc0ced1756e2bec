"""What evaluators read, said before anything is trained on it."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from nas.evaluators.base import Evaluator, Reading
from nas.executors.base import Executor


def say_found(*evaluators: Evaluator) -> None:
    """Say on stderr what data they read, the same data once."""
    said: set[str] = set()
    for evaluator in evaluators:
        for line in evaluator.found().splitlines() if isinstance(evaluator, Reading) else ():
            if line not in said:
                print(line, file=sys.stderr, flush=True)
            said.add(line)


@contextlib.contextmanager
def announced(executor: Callable[[], Executor], evaluator: Evaluator) -> Iterator[Executor]:
    """The executor, with what its evaluator reads said once it is known to start."""
    with executor() as workers:
        say_found(evaluator)
        yield workers
