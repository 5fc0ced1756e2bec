"""Processes of our own: each does one task over and over, and ends with its parent.

They know nothing of the program that started them but what they are sent: its script is not run
once more, so that none needs a guard against that.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

from nas.runs.signals import without_ctrl_c
from search_spaces.errors import UserError

_BOOT = (
    "import sys; from multiprocessing.connection import Connection; pipe = Connection({pipe}); "
    "sys.path[:] = pipe.recv(); from nas.executors.child_processes import serve; "
    "serve(pipe, {lifeline})"
)


def packed(value: object, name: str) -> bytes:
    """Something to be sent to a process, lambdas and the classes of a script included.

    Raises UserError, with what it is by `name`, for what only lives in this process: an open file.
    """
    import cloudpickle  # most calls of the program start no process

    try:
        return bytes(cloudpickle.dumps(value))
    except Exception as error:  # whatever a class's own methods raise
        raise unsendable(error, name) from None


def unsendable(error: Exception, name: str) -> UserError:
    """The mistake of what only lives in one process."""
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return UserError(f"{name}: cannot be sent to a worker process: {reason}")


@dataclass(slots=True)
class ChildProcess:
    """Starts at once; `ready` is to be asked for before its first result is."""

    process: "subprocess.Popen[bytes]"
    pipe: Connection
    """Readable when there is something to receive, or nothing any more."""
    _lifeline: int
    is_ready: bool = False

    @classmethod
    def start(cls, task: bytes) -> "ChildProcess":
        """One that does a task, a packed callable of one argument, for each argument it is sent."""
        ours, theirs = Pipe()
        end, lifeline = os.pipe()
        code = _BOOT.format(pipe=theirs.fileno(), lifeline=end)
        try:
            with without_ctrl_c():
                process = subprocess.Popen(
                    # -P: what is imported is what the parent would import.
                    [sys.executable, "-P", "-c", code],
                    stdin=subprocess.DEVNULL,
                    stdout=2,  # the program's own output is its answer
                    pass_fds=(theirs.fileno(), end),
                )
        except BaseException:
            os.close(lifeline)
            raise
        finally:
            theirs.close()
            os.close(end)
        child = cls(process, ours, lifeline)
        with suppress(ConnectionError):  # it died; reading its pipe tells
            ours.send(sys.path)
            ours.send_bytes(task)
        return child

    def greet(self, name: str) -> None:
        """Take its first word. Raises UserError, of the task by `name`, where it cannot start."""
        try:
            refusal = self.pipe.recv()
        except (EOFError, ConnectionError):
            code = self.stop()
            refusal = f"its process ended with exit code {code}"
        if refusal:
            raise UserError(f"{name}: a worker cannot load it: {refusal}")
        self.is_ready = True

    def send(self, argument: bytes) -> None:
        """Begin the task with a packed argument."""
        with suppress(ConnectionError):  # it died while idle; reading its pipe tells
            self.pipe.send_bytes(argument)

    def receive(self) -> Any:
        """What came of the task. Raises EOFError or ConnectionError where the process died."""
        return self.pipe.recv()

    def dismiss(self) -> None:
        """Let an idle process end by itself, so that it cleans up behind itself."""
        self.pipe.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        self.stop()

    def stop(self) -> int:
        """End it at once; gives its exit code, negative where a signal ended it."""
        try:
            self.process.wait(timeout=0 if self.pipe.closed else 0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
        code = self.process.wait()
        self.pipe.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        return code


def results(task: bytes, arguments: Sequence[object], processes: int, name: str) -> Iterator[Any]:
    """What a task, a packed callable, makes of each argument, as they are done.

    Raises what the task raises, and UserError, of the task by `name`, where a process cannot do it.
    """
    waiting = iter(arguments)
    children = [ChildProcess.start(task) for _ in range(min(processes, len(arguments)))]
    busy = {child.pipe: child for child in children}
    try:
        for child in children:
            child.send(packed(next(waiting), name))
        while busy:
            for pipe in wait(list(busy)):
                child = busy[pipe]  # type: ignore[index]
                if not child.is_ready:
                    child.greet(name)
                    continue
                try:
                    result = child.receive()
                except (EOFError, ConnectionError):
                    code = child.stop()
                    raise UserError(f"{name}: its process ended with exit code {code}") from None
                if isinstance(result, Exception):
                    raise result
                yield result
                argument = next(waiting, None)
                if argument is None:
                    del busy[child.pipe]
                else:
                    child.send(packed(argument, name))
    except BaseException:
        for child in children:
            child.process.kill()
        raise
    finally:
        for child in children:
            child.dismiss()


@contextmanager
def removed_at_last(folder: Path) -> Iterator[None]:
    """Remove a folder in the end, whatever the end of this process is."""
    code = "import os, shutil, sys; os.read(0, 1); shutil.rmtree(sys.argv[1], ignore_errors=True)"
    remover = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, str(folder)],
        stdin=subprocess.PIPE,  # which ends where this process does
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # what ends us and all that is ours, is not to end it
    )
    with remover:
        try:
            yield
        finally:
            if remover.stdin is not None:
                remover.stdin.close()


def serve(pipe: Connection, lifeline: int) -> None:
    """In the process: do the task that comes first with every argument that comes after it."""
    # A parent that was killed must not leave us behind, not even in mid-work.
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    try:
        try:
            task: Callable[[Any], Any] = pickle.loads(pipe.recv_bytes())
        except (EOFError, ConnectionError):
            raise
        except (Exception, SystemExit) as error:  # a module that cannot be imported, say
            pipe.send(" ".join(str(error).split()) or type(error).__name__)
            return
        pipe.send("")
        while True:
            argument = pickle.loads(pipe.recv_bytes())
            try:
                result = task(argument)
            except Exception as error:
                result = error
            pipe.send(result)
    except (EOFError, ConnectionError):  # the parent is gone
        return


def _end_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)  # nothing is ever written: it returns when the other end is closed
    os._exit(1)
