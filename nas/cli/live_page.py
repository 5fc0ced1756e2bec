"""`serve=true`: the page of a run beside the run, in a process of its own.

The run neither waits for the page nor shares its interpreter with it: drawing takes as long as
dozens of steps of a small training, and nothing that goes wrong there reaches the run.
"""

import contextlib
import functools
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import nas
from nas.verbs.config import Config
from search_spaces.errors import UserError
from search_spaces.parsing import from_mapping

_START_SECONDS = 20.0
"""Seconds that the page's process has to say where it serves."""
_END_SECONDS = 20.0
"""Seconds that it has to tell open pages how the run ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where a page is to be served."""

    host: str
    port: int

    @classmethod
    def asked(cls, settings: Mapping[str, Any]) -> "Serving | None":
        """What the settings ask for; None for nothing. Raises UserError for what is no place."""
        if not settings:
            return None
        asked = from_mapping(cls, settings, "serve")
        if not 0 <= asked.port <= 65535:
            raise UserError(f"serve.port: expected 0 to 65535, got {asked.port}")
        return asked


def with_live_page(command: Callable[[Config], None]) -> Callable[[Config], None]:
    """The command, which serves the page of its run folder meanwhile where that is asked for."""

    @functools.wraps(command)
    def main(config: Config) -> None:
        serving = Serving.asked(config["serve"])
        if serving is None or config.get("plan") or _is_led():
            command(config)
            return
        with served(Path(config["run"]), serving):
            command(config)

    return main


def _is_led() -> bool:
    """Whether another process that torchrun started is the first, which serves for all."""
    return os.environ.get("RANK", "0") != "0" and "MASTER_ADDR" in os.environ


@contextmanager
def served(run: Path, serving: Serving) -> Iterator[None]:
    """Serve the page of a run folder inside. Where that fails, a line says so, and all goes on."""
    process = _started(run, serving)
    if process is None:
        yield
        return
    try:
        yield
    finally:
        _ended(process)
        _say(f"live page: ended; nas-search dashboard {run} --serve shows the run again")


def _started(run: Path, serving: Serving) -> "subprocess.Popen[str] | None":
    root = str(Path(nas.__file__).parent.parent)
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    asked = json.dumps({"run": str(run.absolute()), "host": serving.host, "port": serving.port})
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nas.cli.page_process", asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": paths},
        )
    except OSError as error:
        _say(f"live page: not served: {error.strerror}; the run goes on without it")
        return None
    said = _first_line(process.stdout)
    if "address" not in said:
        why = said.get("error", "its process did not start")
        _ended(process)
        _say(f"live page: not served: {why}; the run goes on without it")
        return None
    _say(f"live page: {said['address']} as long as this command runs")
    return process


def _first_line(stream: IO[str] | None) -> Mapping[str, str]:
    assert stream is not None
    ready, _, _ = select.select([stream], [], [], _START_SECONDS)
    try:
        said = json.loads(stream.readline()) if ready else {}
    except ValueError:
        return {}
    return said if isinstance(said, Mapping) else {}


def _ended(process: "subprocess.Popen[str]") -> None:
    """The process ends where its standard input does, as it would if this one were killed."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)
