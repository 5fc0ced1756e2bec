"""The console script: which verb, and what a mistake looks like."""

import contextlib
import importlib
import shlex
import sys
from collections.abc import Sequence

from nas.cli.interrupts import INTERRUPTED, TERMINATED, Terminated, interruptible
from nas.cli.mistakes import is_users, printable, shortened, told
from nas.cli.streams import forgiving_streams
from nas.cli.tracking import tracked
from nas.cli.verbs import VERBS, module, overview
from nas.runs.passwords import without_passwords
from nas.verbs.config import Config
from nas.verbs.setting_types import checked
from search_spaces.errors import CommandFailed, UserError
from search_spaces.parsing import closest


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Exits with 2 for a user's mistake, 1 where the system refuses, 130 when
    interrupted, 143 when terminated."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    go_on = last_words(argv)
    try:
        with forgiving_streams(), interruptible(go_on):
            _dispatch(argv)
    except UserError as error:
        _end(2, shortened(str(error)))
    except CommandFailed as error:
        _end(1, shortened(str(error)))
    except OSError as error:  # a full disk, a folder that may not be written
        where = f"{error.filename}: " if error.filename else ""
        if is_users(error):
            _end(2, shortened(f"{where}{told(error)}"))
        _end(1, f"{where}{error.strerror or error}; what is finished is kept")
    except KeyboardInterrupt as stopped:
        code = TERMINATED if isinstance(stopped, Terminated) else INTERRUPTED
        _end(code, go_on.removeprefix("nas-search: "))


def last_words(argv: Sequence[str]) -> str:
    """What an interrupted call says: how it goes on, without the passwords that it was given."""
    again = shlex.join(map(without_passwords, argv))
    return printable(
        f"nas-search: interrupted; what is finished is kept. To go on: nas-search {again}"
    )


def _say_next(steps: Sequence[str]) -> None:
    """Say on stderr what may be done next: what a verb found is the output alone."""
    for place, step in enumerate(steps):
        label = "" if place else "next"
        print(f"{label:<9} {printable(without_passwords(step))}", file=sys.stderr, flush=True)


def _end(code: int, reason: str) -> None:
    with contextlib.suppress(OSError), forgiving_streams():  # a standard error that is full
        print(f"nas-search: {printable(without_passwords(reason))}", file=sys.stderr)
    raise SystemExit(code) from None


def _dispatch(argv: list[str]) -> None:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(overview())
        return
    if argv[0] == "--version":
        import nas

        print(f"nas-search {nas.__version__}")
        return
    if argv[0] == "completion":
        from nas.cli.completion import completion

        print(completion(argv[1:]))
        return
    from nas.cli.overrides import read_arguments

    name, *rest = argv
    if name not in VERBS:
        raise UserError(f"no verb {name!r}{closest(name, VERBS)}")
    asked = [argument for argument in rest if argument not in ("-h", "--help")]
    read = read_arguments(VERBS[name], asked)
    if len(asked) < len(rest):
        from nas.cli.help import help_of

        print(help_of(name, read))
        return

    def command(config: Config) -> None:
        settings = checked(VERBS[name].settings, config)
        with tracked(name, settings):
            # Imported when it is called: most verbs need no framework.
            importlib.import_module(f"nas.cli.commands.{module(name)}").main(settings)
        _say_next(next_steps(name, read, settings))

    from nas.cli.compose import with_config
    from nas.cli.next_steps import next_steps

    with_config(module(name), read, command)
