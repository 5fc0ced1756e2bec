"""Whether a Ray cluster answers at an address: before it is joined, and while it works."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from search_spaces.errors import UserError

_SECONDS = 5.0
"""Until an answer is no longer waited for."""

Place = tuple[str, int]
"""A host and a port."""


def reach(address: str) -> None:
    """Raises UserError where nobody answers, or somebody that is not Ray; Ray waits for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        raise UserError(f"ray.address: expected local, auto or host:port, got {address!r}")
    try:
        connection = socket.create_connection((host.strip("[]"), int(port)), _SECONDS)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UserError(f"ray.address: {address}: no cluster answers: {error}") from None
    with connection:
        if not _speaks_grpc(connection):
            raise UserError(f"ray.address: {address}: what answers there is not Ray")


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_PATH = b"/ray.rpc.NodeInfoGcsService/CheckAlive"
_REQUEST = b"".join(  # RFC 9113 and, for the headers, RFC 7541
    (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        _frame(_SETTINGS, 0, 0, b""),
        _frame(
            _HEADERS,
            0x4,  # these are all
            1,
            b"\x83\x86"  # POST, http
            + b"\x04"
            + bytes((len(_PATH),))
            + _PATH
            + b"\x01\x03ray"
            + b"\x0f\x10\x10application/grpc"
            + b"\x00\x02te\x08trailers",
        ),
        _frame(_DATA, 0x1, 1, bytes(5)),  # an empty message, and no more
    )
)
_OK = 0x88
"""How headers begin that say so; gRPC tells even of errors below such."""


def _speaks_grpc(connection: socket.socket) -> bool:
    """Whether a remote call is answered as one, be it with a refusal."""
    connection.settimeout(_SECONDS)
    try:
        connection.sendall(_REQUEST)
        with connection.makefile("rb") as answer:
            for number in range(10):  # a few frames of housekeeping come first
                head = answer.read(9)
                if len(head) < 9 or (number == 0 and head[3] != _SETTINGS):
                    return False
                payload = answer.read(int.from_bytes(head[:3], "big"))
                if head[3] == _HEADERS:
                    return _OK in payload[:4]
    except OSError:
        return False
    return False


_PATIENCE = 15.0
"""Seconds that a driver has to let go of a cluster that is lost."""


@dataclass(slots=True)
class Watch:
    """Looks after what a driver needs of its cluster.

    Ray itself waits a minute for what is lost, then ends the driver, with words of its own.
    """

    address: str
    places: dict[str, Place]
    """Where each part listens, by what it is called."""
    lost: str = ""
    """Which part no longer answers."""
    _left: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raises ConnectionError, with what to do about it, once the cluster is lost."""
        if self.lost:
            raise ConnectionError(
                f"the Ray cluster at {self.address} is lost: {self.lost} no longer answers; "
                f"the same command, with a cluster that does, goes on from the records"
            )

    @contextmanager
    def on(self, over: threading.Event) -> Iterator["Watch"]:
        """Watching, from a thread of its own.

        A driver that hangs in Ray instead of letting go of a lost cluster, so that `over` is not
        set in time, is ended with what `check` says: nothing of it is needed to go on.
        """
        thread = threading.Thread(target=self._look, args=(over,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._left.set()
            if not self.lost:
                thread.join()

    def _look(self, over: threading.Event) -> None:
        refused: dict[str, float] = {}
        while not self._left.wait(1):
            for name, place in self.places.items():
                if _listens(place):
                    refused.pop(name, None)
                elif time.monotonic() - refused.setdefault(name, time.monotonic()) > 2:
                    self.lost = name
                    if not over.wait(_PATIENCE):
                        self._end()
                    return

    def _end(self) -> None:
        try:
            self.check()
        except ConnectionError as error:
            os.write(2, f"\nnas-search: {error}; what is finished is kept\n".encode())
        os._exit(1)


def _listens(place: Place) -> bool:
    try:
        socket.create_connection(place, _SECONDS).close()
    except OSError:
        return False
    return True
