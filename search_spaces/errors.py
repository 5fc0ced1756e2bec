"""The one exception for what a user got wrong."""


class UserError(ValueError):
    """A user's mistake, told on one line: what was wrong, where, and what was expected.

    The command line prints it without a traceback and exits with code 2.
    """

    def under(self, path: str) -> "UserError":
        """The same mistake, seen from one level up: `kernel: …` becomes `stages[2].kernel: …`."""
        return type(self)(f"{path}{self}")
