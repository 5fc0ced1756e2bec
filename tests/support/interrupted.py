"""What a process says once it was interrupted."""

import re
from typing import IO


def read_until(stream: IO[str], pattern: str) -> None:
    """Read lines up to one in which `pattern` is found; fails where the stream ends before."""
    read = []
    for line in stream:
        if re.search(pattern, line):
            return
        read.append(line)
    raise AssertionError(f"{pattern!r} is not said: {''.join(read)}")
