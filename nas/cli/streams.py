"""Standard output and error as they are: of few characters, closed early, on a full disk."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast


@contextmanager
def forgiving_streams() -> Iterator[None]:
    """Inside, printing never ends the work under way.

    A character that the terminal's encoding lacks becomes a question mark. A reader that has gone
    (`| head`) is no error: what is printed from then on is dropped. Raises OSError, which names
    the stream, where the system refuses to write.
    """
    streams = (sys.stdout, sys.stderr)
    with _replacing(streams[0]), _replacing(streams[1]):
        # Python leaves None where a stream was closed before it started.
        sys.stdout = _Forgiving.of(streams[0], "standard output")
        sys.stderr = _Forgiving.of(streams[1], "standard error")
        try:
            yield
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
        finally:
            sys.stdout, sys.stderr = streams


@contextmanager
def _replacing(stream: object) -> Iterator[None]:
    if not isinstance(stream, io.TextIOWrapper) or stream.errors != "strict":
        yield
        return
    stream.reconfigure(errors="replace")
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):  # gone, or closed meanwhile
            stream.reconfigure(errors="strict")


class _Forgiving:
    """A text stream whose reader may go."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name

    @classmethod
    def of(cls, stream: TextIO | None, name: str) -> TextIO:
        # What was closed before we started swallows all, and ends with us.
        there = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        return cast(TextIO, cls(there, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._forgiven():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._forgiven():
            self._stream.flush()

    @contextmanager
    def _forgiven(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self._discard()
        except ValueError:
            if not self._stream.closed:  # by somebody's code, meanwhile
                raise
        except OSError as error:
            self._discard()
            raise OSError(error.errno, error.strerror, self._name) from None

    def _discard(self) -> None:
        """Send what is still to be written to nowhere, what Python writes when it exits too."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
