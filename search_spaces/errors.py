"""The one exception for what a user got wrong, and how it quotes what they gave."""


class UserError(ValueError):
    """A user's mistake, told on one line: what was wrong, where, and what was expected.

    The command line prints it without a traceback and exits with code 2. Whatever it quotes, its
    text is one line of printable characters.
    """

    def __init__(self, message: object) -> None:
        super().__init__(one_line(str(message)))

    def under(self, path: str) -> "UserError":
        """The same mistake, seen from one level up: `kernel: …` becomes `stages[2].kernel: …`."""
        return type(self)(f"{path}{self}")


def one_line(text: str) -> str:
    """The text on one line, with escapes for what would command a terminal."""
    if text.isprintable():
        return text
    lines = " ".join(line.strip() for line in text.splitlines())
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in lines)


def shown(value: object, most: int = 40) -> str:
    """What stands for a value in an error: its repr, of at most so many characters."""
    try:
        text = repr(value)
    except ValueError:  # Python prints no integer of more than 4,300 digits
        return "an integer of thousands of digits"
    return text if len(text) <= most else text[: most - 3] + "..."
