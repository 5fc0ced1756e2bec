"""A Chromium that stays open on a page: asked by its debugging pipe what the page is like now."""

import contextlib
import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import QUIET, browser


class Tab:
    """The page in the browser's only tab."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, os.fdopen(from_browser, "rb", buffering=0)
        self._rest, self._number, self._session = b"", 0, ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]

    def open(self, address: str) -> None:
        self._call("Page.navigate", url=address)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; None where it raises."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)  # fmt: skip
        return found["result"].get("value")

    def until(self, condition: str, seconds: float = 300) -> Any:
        """Wait for what is sure to come; however busy the machine is, it takes less than that."""
        deadline = time.monotonic() + seconds
        while not (found := self.evaluate(condition)):
            if time.monotonic() > deadline:
                said = self.evaluate("document.body.innerText.slice(0, 500)")
                raise TimeoutError(f"{condition}: nothing came of it in {seconds} s; page: {said}")
            time.sleep(0.05)
        return found

    def collect_garbage(self) -> int:
        """Bytes of the page's objects that are in use, once those that are not were collected."""
        self._call("HeapProfiler.collectGarbage")
        return int(self._call("Runtime.getHeapUsage")["usedSize"])

    def _call(self, method: str, **params: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _next(self) -> Any:
        while b"\0" not in self._rest:
            block = self._from.read(2**16)
            if not block:
                raise RuntimeError("the browser has ended")
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


@contextmanager
def opened(profile: Path, *, width: int = 1280) -> Iterator[Tab]:
    """A tab of a browser that ends with the block."""
    command = [
        browser(), "--headless", "--no-sandbox", *QUIET, f"--user-data-dir={profile}",
        f"--window-size={width},900", "--remote-debugging-pipe", "about:blank",
    ]  # fmt: skip
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    # Chromium reads from 3 and writes to 4, which may be numbers of ours.
    source, sink = (fcntl.fcntl(each, fcntl.F_DUPFD, 100) for each in (theirs_in, theirs_out))

    def place() -> None:
        os.dup2(source, 3)
        os.dup2(sink, 4)

    with subprocess.Popen(
        command, pass_fds=(3, 4), preexec_fn=place,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        for each in (theirs_in, theirs_out, source, sink):
            os.close(each)
        try:
            yield Tab(ours_out, ours_in)
        finally:
            process.kill()
            with contextlib.suppress(OSError):
                os.close(ours_out)
