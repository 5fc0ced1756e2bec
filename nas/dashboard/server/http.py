"""The server of live pages: it answers GET and HEAD, of a few paths, and writes nothing."""

import gzip
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nas.dashboard.page import policy
from nas.dashboard.server.addresses import Access
from nas.dashboard.server.live_page import LOOK_SECONDS, LivePage

_MOST_WATCHERS = 32
"""Open pages that are told of what is new; each has a thread."""
_MOST_CONNECTIONS = 96
_KEEP_ALIVE_SECONDS = 15.0
"""A stream that says nothing for longer is taken for dead by what lies between."""
_IDLE_SECONDS = 60.0
"""Seconds after which a connection that says nothing is closed."""
_LAST_SECONDS = 5.0
"""Seconds that open pages have to fetch how the run ended."""
_LEAST_GZIP = 1024

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(slots=True)
class Site:
    """The pages that a server has, and whether it is about to end."""

    pages: Mapping[str, LivePage]
    """By the path of their folder: `/` is the first."""
    access: Access
    ending: threading.Event = field(default_factory=threading.Event)
    watchers: threading.Semaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_MOST_WATCHERS)
    )

    def found(self, path: str) -> tuple[LivePage, str] | None:
        """The page of a path, and what of it is asked for: `""`, `content` or `events`."""
        folder, _, name = path.rpartition("/")
        page = self.pages.get(f"{folder}/")
        return (page, name) if page and name in ("", "content", "events") else None


class PageServer(ThreadingHTTPServer):
    """A server on a socket that listens already."""

    daemon_threads = True
    # Threads that wait for a slow reader are not waited for.
    block_on_close = False

    def __init__(self, listening: socket, site: Site) -> None:
        """Serve on `listening`, which the server closes at its end."""
        super().__init__(listening.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.site = site
        self._room = threading.BoundedSemaphore(_MOST_CONNECTIONS)

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self.socket.getsockname()[1])

    def end(self) -> None:
        """Tell open pages how the run ended, and stop."""
        self.site.ending.set()
        deadline = time.monotonic() + 3 * _LAST_SECONDS
        for _ in range(_MOST_WATCHERS):
            self.site.watchers.acquire(timeout=max(0.0, deadline - time.monotonic()))
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own; more connections than there is room for are closed."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that went away, or says nothing, is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: PageServer
    protocol_version = "HTTP/1.1"
    server_version = "nas-search"
    sys_version = ""
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def __getattr__(self, name: str) -> Any:
        # The base class looks for a method of the request's name.
        if name.startswith("do_"):
            return self._refuse
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are nobody's concern: the terminal is the run's."""

    def _answer(self) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # what follows the head is no request
        try:
            url = urlsplit(self.path)
            token = parse_qs(url.query, max_num_fields=8).get("token", [""])[0]
        except ValueError:
            self._say(HTTPStatus.BAD_REQUEST, "No address.\n")
            return
        site = self.server.site
        if not site.access.allows(self.headers.get("Host", ""), token):
            self._say(HTTPStatus.FORBIDDEN, site.access.refusal)
        elif (found := site.found(url.path)) is None:
            self._say(HTTPStatus.NOT_FOUND, "No such page.\n")
        elif found[1] == "events":
            self._events(found[0])
        elif found[1] == "content":
            drawn = found[0].current()
            self._send(drawn.content, "text/html; charset=utf-8")
            found[0].fetched = drawn.version
        else:
            self._send(found[0].latest().page, "text/html; charset=utf-8")

    def _refuse(self) -> None:
        """Anything but reading. What the request may hold beside its head is never read."""
        self.close_connection = True
        self._say(HTTPStatus.METHOD_NOT_ALLOWED, "Pages are for reading.\n", {"Allow": "GET, HEAD"})

    def _say(self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> None:
        self._send(text.encode(), "text/plain; charset=utf-8", status, headers)

    def _send(
        self,
        body: bytes,
        kind: str,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        sent = {**_HEADERS, "Content-Security-Policy": policy(live=True), **(headers or {})}
        if len(body) >= _LEAST_GZIP and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            sent["Content-Encoding"] = "gzip"
        self._begin(status, {**sent, "Content-Type": kind, "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _events(self, page: LivePage) -> None:
        """Tell of each version of the page, until the reader goes or the server ends."""
        site = self.server.site
        self.close_connection = True
        if not site.watchers.acquire(blocking=False):
            self._say(HTTPStatus.SERVICE_UNAVAILABLE, "Too many open pages.\n")
            return
        try:
            self._begin(HTTPStatus.OK, {**_HEADERS, "Content-Type": "text/event-stream"})
            if self.command == "HEAD":
                return
            self._tell("retry: 1000")
            sent, quiet = "", time.monotonic()
            while not site.ending.is_set():
                version = page.refreshed()
                if version != sent:
                    self._tell(f"event: version\ndata: {version}")
                    sent, quiet = version, time.monotonic()
                elif time.monotonic() - quiet > _KEEP_ALIVE_SECONDS:
                    self._tell(": nothing new")
                    quiet = time.monotonic()
                site.ending.wait(LOOK_SECONDS)
            self._last_words(page, sent)
        finally:
            site.watchers.release()

    def _last_words(self, page: LivePage, sent: str) -> None:
        version = page.latest().version
        if version != sent:
            self._tell(f"event: version\ndata: {version}")
            deadline = time.monotonic() + _LAST_SECONDS
            while page.fetched != version and time.monotonic() < deadline:
                time.sleep(0.05)
        self._tell("event: end\ndata: ")

    def _tell(self, event: str) -> None:
        self.wfile.write(f"{event}\n\n".encode())
        self.wfile.flush()


@contextmanager
def serving(server: PageServer) -> Iterator[None]:
    """Serve inside, in threads; open pages are told of the end."""
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield
    finally:
        server.end()
