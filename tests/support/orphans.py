"""What becomes of the processes of one that is killed."""

import subprocess
import time
from contextlib import suppress
from pathlib import Path


def kill_with_children(process: "subprocess.Popen[str]", at_least: int) -> None:
    """Kill a process once it has so many children; they are to end too, in two minutes."""
    while len(children := _children(process.pid)) < at_least:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 120
    while any(_alive(pid) for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def left_of_session(leader: int) -> list[str]:
    """What still runs in the session of a process that ended, once it had ten seconds to end."""
    deadline = time.monotonic() + 10
    while (left := _session(leader)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _session(leader: int) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            session = path.read_text().rpartition(")")[2].split()[3]
            if session == str(leader) and _alive(path.parent.name):
                found.append((path.parent / "cmdline").read_text().replace("\0", " "))
    return found


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _alive(pid: str) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
