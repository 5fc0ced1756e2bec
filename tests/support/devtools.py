"""A headless Chromium driven over its DevTools pipe: any width, light or dark, its policy kept."""

import fcntl
import itertools
import json
import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import QUIET, browser

PROBE = Path(__file__).with_name("page_probe.js")
AUDIT = Path(__file__).with_name("page_audit.js")
DRAWN = """(async () => {
  const later = () => new Promise((done) => setTimeout(done, 20));
  while (typeof waiting !== "undefined" && waiting.length) await later();
})()"""
"""Ends when a page has no figure that waits to be drawn."""
PATIENCE = 120.0
"""Seconds after which a browser that does not answer is given up."""


class DevTools:
    """One browser with one page open at a time; commands wait for their answer."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session: str | None = None
        self._target: str | None = None
        self.console: list[str] = []
        """What the page's scripts and its policy complained of."""

    def open(
        self, page: Path | str, *, width: int = 1280, dark: bool = False, policed: bool = True
    ) -> None:
        """Open a page of a file, or at an address, until its figures are drawn.

        Without its policy, `policed`, whatever else would run in it does.
        """
        url = page.resolve().as_uri() if isinstance(page, Path) else page
        if self._target is not None:
            self.command("Target.closeTarget", targetId=self._target)
        self.console = []
        self._target = self.command("Target.createTarget", url="about:blank")["targetId"]
        attached = self.command("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.command(f"{domain}.enable")
        self.command("Page.setBypassCSP", enabled=not policed)
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900,
                     deviceScaleFactor=1, mobile=False)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        self.command("Page.navigate", url=url)
        self._until("Page.loadEventFired")
        self.evaluate(DRAWN)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page, awaited; it may do what a user's click may."""
        said = self._evaluated(expression)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def until(self, condition: str, seconds: float = 300) -> None:
        """Wait until an expression is true; while it raises, it is not.

        However busy the machine is, what is sure to come takes less than `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not self._evaluated(condition)["result"].get("value"):
            if time.monotonic() > deadline:
                said = self.evaluate("document.body.innerText.slice(0, 500)")
                raise TimeoutError(f"{condition}: nothing came of it in {seconds} s; page: {said}")
            time.sleep(0.05)

    def collect_garbage(self) -> int:
        """Bytes of the page's objects that are in use, once those that are not were collected."""
        self.command("HeapProfiler.collectGarbage")
        return int(self.command("Runtime.getHeapUsage")["usedSize"])

    def _evaluated(self, expression: str) -> dict[str, Any]:
        return self.command("Runtime.evaluate", expression=expression, awaitPromise=True,
                            returnByValue=True, userGesture=True)  # fmt: skip

    def audited(self, page: Path, *, width: int, dark: bool) -> dict[str, Any]:
        """What `page_audit.js` finds on a page."""
        self.open(page, width=width, dark=dark)
        return dict(self.evaluate(AUDIT.read_text("utf-8")))

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session is not None and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == number:
                assert "error" not in said, f"{method}: {said['error']}"
                return dict(said["result"])

    def _until(self, event: str) -> None:
        while self._next().get("method") != event:
            pass

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], deadline - time.monotonic())
            assert ready, "the browser does not answer"
            read = os.read(self._answers, 2**20)
            assert read, "the browser is gone"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        said: dict[str, Any] = json.loads(message)
        match said.get("method"):
            case "Log.entryAdded":
                self.console.append(said["params"]["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.console.append(str(said["params"]["exceptionDetails"]))
        return said


@contextmanager
def devtools(profile: Path) -> Iterator[DevTools]:
    """A browser with a profile of its own, closed at the end."""
    (its_in, commands), (answers, its_out) = os.pipe(), os.pipe()
    # Its ends are to be 3 and 4: from numbers beyond those, neither overwrites the other.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (its_in, its_out)]
    arguments = [
        browser(), "--headless", "--no-sandbox", *QUIET, "--remote-debugging-pipe",
        f"--user-data-dir={profile}", "about:blank",
    ]  # fmt: skip
    actions = [(os.POSIX_SPAWN_DUP2, end, place) for end, place in zip(ends, (3, 4), strict=True)]
    silence = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (1, 2)]
    process = os.posix_spawn(
        arguments[0], arguments, os.environ, file_actions=[*silence, *actions], setpgroup=0
    )
    for end in (its_in, its_out, *ends):
        os.close(end)
    try:
        yield DevTools(commands, answers)
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(commands)
        os.close(answers)


def probed(page: Path, folder: Path, width: int) -> dict[str, Any]:
    """What `page_probe.js` reports of a page without its policy, at this width of its window.

    The browser's profile is put into the folder.
    """
    with devtools(folder / f"profile-{width}") as opened:
        opened.open(page, width=width, policed=False)
        return dict(opened.evaluate(PROBE.read_text("utf-8")))
