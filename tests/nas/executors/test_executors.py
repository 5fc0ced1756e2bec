"""What every executor promises: an outcome for each job, whatever the evaluator does."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nas.evaluators.base import EvaluationFailed, Evaluator, Measurement, Report
from nas.executors.base import Executor, Job, Outcome
from nas.executors.local import InProcess, Processes
from nas.executors.ray_cluster import RaySettings
from nas.executors.ray_tasks import RayTasks
from nas.executors.ray_tune.executor import RayTune
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

HALF = Measurement(accuracy=0.5)


def raises(error: BaseException) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


def prints_bytes() -> Any:
    os.write(1, b"\xff\x00\x1b[2J")
    print("said by an evaluator")
    return 0.5


ACCEPTED: dict[str, Callable[[], Any]] = {
    "a measurement": lambda: HALF,
    "a float": lambda: 0.5,
    "a float of NumPy's": lambda: np.float32(0.5),
    "an array": lambda: np.array(0.5),
    "a tensor": lambda: torch.tensor(0.5),
    "a fraction": lambda: Fraction(1, 2),
    "a decimal": lambda: Decimal("0.5"),
    "numbers of NumPy's in a measurement": lambda: Measurement(
        accuracy=np.float64(0.5), curve=np.array([0.25, 0.5], np.float32), note=np.str_("a note")
    ),
    "noise on the terminal": prints_bytes,
}
REFUSED = {
    "per cent": (lambda: 61.5, "accuracy of 61.5; expected a fraction from 0 to 1; divide per "),
    "two": (lambda: 2, "accuracy of 2; expected a fraction from 0 to 1"),
    "below": (lambda: Measurement(accuracy=-3), "accuracy of -3; expected a fraction from 0 to 1"),
    "huge": (lambda: 1e300, "accuracy of 1e+300; expected a fraction from 0 to 1"),
    "nothing": (lambda: None, "Says.evaluate returned None; expected a Measurement, or a fraction"),
    "a truth": (lambda: True, "Says.evaluate returned True; expected a Measurement, or a"),
    "a word": (lambda: Measurement(accuracy="good"), "accuracy of 'good'; expected a fraction"),
    "a number for a curve": (lambda: Measurement(accuracy=0.5, curve=0.5), "a curve of 0.5; exp"),
    "per cent in a curve": (lambda: Measurement(accuracy=0.5, curve=(50,)), "accuracy of 50; ex"),
    "several": (lambda: np.array([0.1, 0.2]), "returned array([0.1, 0.2]); expected"),
    "a user's mistake": (raises(UserError("evaluator: no data")), "no data"),
}
HERE = Path(__file__).name
FAILED = {
    "no number": (lambda: float("nan"), r"the evaluator gave an accuracy of nan"),
    "infinity": (lambda: float("inf"), r"the evaluator gave an accuracy of inf"),
    "no number in a curve": (
        lambda: Measurement(accuracy=0.5, curve=(0.1, float("nan"))),
        r"the evaluator gave an accuracy of nan after epoch 2",
    ),
    "foreseen": (raises(EvaluationFailed("diverged")), "diverged"),
    "a bug": (raises(ValueError("so\nlong")), rf"ValueError: so \({HERE}, line \d+\)"),
    "no words": (raises(KeyError()), rf"KeyError: no message \({HERE}, line \d+\)"),
    "an exit": (lambda: sys.exit(3), rf"SystemExit: 3 \({HERE}, line \d+\)"),
    "a book": (raises(ValueError("\x1b[31m\nx" * 10_000)), rf"ValueError: \[31m \({HERE}, .*"),
}
LOST = {
    "a disk": (raises(OSError(5, "Input/output error")), r"OSError: \[Errno 5\] Input/output .*"),
    "memory": (raises(MemoryError()), r"MemoryError: no message .*"),
    "a device": (raises(RuntimeError("CUDA error: unspecified")), r"RuntimeError: CUDA error: .*"),
    "a module": (raises(ModuleNotFoundError("No module named 'x'")), r"ModuleNotFoundError: .*"),
}
KINDS: dict[str, Callable[[], Any]] = {
    **ACCEPTED,
    **{name: kind for group in (REFUSED, FAILED, LOST) for name, (kind, _) in group.items()},
    "interrupt": raises(KeyboardInterrupt()),
}


class Says(Evaluator):
    """Does one of the above, by the number of the seed."""

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        return list(KINDS.values())[seed]()


@dataclass(frozen=True)
class Asking:
    executor: Executor

    def __call__(self, kind: str) -> Outcome:
        self.executor.submit(Job(7, zoo("mobilenet_v2"), (list(KINDS).index(kind),)))
        return self.executor.next()


@pytest.fixture(scope="module", params=["in process", "processes", "ray", "ray tune"])
def ask(request: pytest.FixtureRequest) -> Iterator[Asking]:
    if request.param == "in process":
        executor: Any = InProcess(Says())
    elif request.param == "processes":
        executor = Processes(Says(), 1)
    else:
        cluster = request.getfixturevalue("two_nodes")
        kind = RayTasks if request.param == "ray" else RayTune
        executor = kind(Says(), RaySettings(address=cluster.address, workers=1))
    with executor as entered:
        yield Asking(entered)


def test_any_number_from_0_to_1_is_an_accuracy(ask: Asking) -> None:
    for kind in ACCEPTED:
        (found,) = ask(kind).measurements
        assert (kind, found.accuracy, type(found.accuracy)) == (kind, 0.5, float)
        assert all(type(accuracy) is float for accuracy in found.curve)
        assert type(found.note) is str


def test_whatever_else_an_evaluator_says_is_a_mistake_on_one_line(ask: Asking) -> None:
    for kind, (_, words) in REFUSED.items():
        outcome = ask(kind)
        assert outcome.mistake.startswith("evaluator: ")
        assert words in outcome.mistake
        assert outcome.mistake.isprintable()
        assert not outcome.measurements


def assert_reason(outcome: Outcome, pattern: str) -> None:
    assert not outcome.mistake
    assert outcome.number == 7
    assert outcome.reason.isprintable()
    assert len(outcome.reason) < 400
    assert re.fullmatch(pattern, outcome.reason), outcome.reason


def test_what_a_network_breaks_is_a_failure_with_its_place(ask: Asking) -> None:
    for kind, (_, pattern) in FAILED.items():
        outcome = ask(kind)
        assert_reason(outcome, pattern)
        assert not outcome.lost
    trace = ask("a bug").trace
    assert "in fail" in trace
    assert "ValueError: so\nlong" in trace


def test_what_the_machine_breaks_is_no_failure_of_the_network(ask: Asking) -> None:
    for kind, (_, pattern) in LOST.items():
        outcome = ask(kind)
        assert_reason(outcome, pattern)
        assert outcome.lost


def test_an_interruption_is_the_users_and_in_a_worker_the_evaluators(ask: Asking) -> None:
    if isinstance(ask.executor, InProcess):
        with pytest.raises(KeyboardInterrupt):
            ask("interrupt")
    else:
        pattern = rf"the evaluator raised KeyboardInterrupt \({HERE}, line \d+\)"
        assert_reason(ask("interrupt"), pattern)


def test_what_cannot_be_sent_to_workers_is_told_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError) as mistake, Processes(Holding(tmp_path / "file"), 2):
        pass
    assert str(mistake.value).startswith("evaluator: cannot be sent to a worker process: ")
    assert str(mistake.value).isprintable()


class Holding(Says):
    """Holds what lives in one process alone."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("w")


class Deadly(Says):
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (3,)


class Unloadable(Says):
    """Cannot be unpickled, as a class that workers cannot import."""

    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("import no_such_module",)


@pytest.mark.parametrize(
    ("evaluator", "words"),
    [(Unloadable(), "No module named 'no_such_module'"), (Deadly(), "exit code 3")],
)
def test_the_first_worker_that_cannot_start_is_a_mistake(evaluator: Evaluator, words: str) -> None:
    with Processes(evaluator, 2) as processes:
        processes.submit(Job(0, zoo("mobilenet_v2"), (0,)))
        with pytest.raises(UserError) as mistake:
            processes.next()
    assert str(mistake.value).startswith("evaluator: a worker cannot load it: ")
    assert words in str(mistake.value)


def test_lambdas_and_classes_of_a_function_work_in_workers() -> None:
    accuracy = 0.25

    class Local(Evaluator):
        said = staticmethod(lambda: accuracy)

        def evaluate(self, arch: Arch, seed: int, report: Report) -> float:
            return self.said()

    with Processes(Local(), 1) as processes:
        processes.submit(Job(0, zoo("mobilenet_v2"), (0,)))
        assert processes.next().measurements == (Measurement(accuracy=0.25),)
