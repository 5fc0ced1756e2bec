"""What an evaluator raised, told on one line with its place, and in full."""

import traceback
from pathlib import PurePath

from nas.evaluators.base import Evaluator
from search_spaces.errors import CommandFailed


class EvaluatorFailed(CommandFailed):
    """An evaluator that raised what is no user's mistake, or gave what no evaluator may give."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


_LONGEST = 300
"""Characters of a line."""
_LONGEST_TRACE = 20_000


def told(evaluator: Evaluator, error: BaseException, method: str = "evaluate") -> str:
    """Name the error, what it says first, and the file and line that `method` had got to."""
    return f"{type(error).__name__}: {first_line(error)}{place(evaluator, error, method)}"


def first_line(error: BaseException | str) -> str:
    """Give what an error says first, shortened for a table, without what moves a cursor."""
    try:
        text = str(error)
    except Exception:  # an exception of the evaluator's whose own text fails
        text = ""
    first = next((line for line in text[:100_000].splitlines() if line.strip()), "no message")
    shown = "".join(c if c.isprintable() else " " for c in first[: 2 * _LONGEST])
    shown = " ".join(shown.split())
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


def place(evaluator: Evaluator, error: BaseException, method: str = "evaluate") -> str:
    """Give the file and line, in the evaluator's own file where the error passed through it."""
    frames = traceback.extract_tb(error.__traceback__)
    code = getattr(getattr(type(evaluator), method), "__code__", None)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    frame = (own or frames)[-1]
    return f" ({PurePath(frame.filename).name}, line {frame.lineno})"


def definition(evaluator: Evaluator, method: str) -> str:
    """Give the file and line where the evaluator's class defines a method, where it is Python."""
    code = getattr(getattr(type(evaluator), method), "__code__", None)
    return f" ({PurePath(code.co_filename).name}, line {code.co_firstlineno})" if code else ""


def trace(error: BaseException) -> str:
    """Give the traceback, from its end where it is very long."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # an exception of the evaluator's whose own text fails
        text = "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__
    return text[-_LONGEST_TRACE:].encode("utf-8", "replace").decode("utf-8")
