"""The exceptions that end a command with one line, and how they quote what users wrote."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(ValueError):
    """A user's mistake, on one line: what was wrong, where, and what was expected.

    The command line prints the line without a traceback and exits with code 2. The text is always
    one line of printable characters, whatever it quotes.
    """

    def __init__(self, message: object) -> None:
        super().__init__(one_line(str(message)))

    def under(self, path: str) -> "UserError":
        """The mistake as seen from one level up: `kernel: …` becomes `stages[2].kernel: …`."""
        return type(self)(f"{path}{self}")


@contextmanager
def told_under(path: str) -> Iterator[None]:
    """Inside, a mistake is told as seen from above: after `path`, such as a setting's name."""
    try:
        yield
    except UserError as error:
        raise error.under(path) from None


class CommandFailed(Exception):
    """What ends a command with exit code 1: no user's mistake, told on one line."""


def one_line(text: str) -> str:
    """The text on one line, with characters escaped that a terminal would take for commands."""
    if text.isprintable():
        return text
    lines = " ".join(line.strip() for line in text.splitlines())
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in lines)


def shown(value: object, most: int = 40) -> str:
    """The repr of a value for an error, cut to at most `most` characters."""
    try:
        text = repr(value)
    except ValueError:  # Python prints no integer of more than 4,300 digits
        return "an integer of thousands of digits"
    return text if len(text) <= most else text[: most - 3] + "..."
