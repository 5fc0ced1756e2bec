"""Where pages are served, and who may ask for them."""

import errno
import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass

from search_spaces.errors import UserError

LOCAL = "127.0.0.1"
_TRIED = 20
"""Ports that are tried, from the one that is asked for on."""
_LONGEST_HOST = 255


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask: programs of this machine, or whoever knows the token."""

    token: str
    """Part of the address; empty where only this machine can ask."""

    @classmethod
    def at(cls, host: str) -> "Access":
        """A token for every host that other machines can reach."""
        return cls("" if is_loopback(host) else secrets.token_urlsafe(24))

    def allows(self, host_header: str, token: str) -> bool:
        """Whether a request is answered.

        Without a token its `Host` must name this machine, by whatever port: a stranger's page whose
        name leads here is refused, and a port that ssh forwards is not.
        """
        if self.token:
            return hmac.compare_digest(self.token.encode(), token.encode())
        return is_loopback(_name_in(host_header))

    @property
    def refusal(self) -> str:
        """What a request is told that is not answered."""
        if self.token:
            return "Expected ?token=… as in the address that was printed.\n"
        return "Expected localhost, or another name of this machine alone, in the address.\n"


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's, to which no other machine leads."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at the first free port from `port` on; at any for 0.

    Raises UserError for a host that this machine has not, OSError where no port is free.
    """
    try:
        if len(host) > _LONGEST_HOST:
            raise UnicodeError
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise UserError(
            f"serve.host: {host!r}: no such host; expected one of this machine"
        ) from None
    refused: OSError | None = None
    for number in range(port, port + _TRIED) if port else (0,):
        if number > 65535:
            break
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((place[0], number, *place[2:]))
            made.listen(16)
            return made
        except OSError as error:
            made.close()
            refused = error
            if error.errno == errno.EADDRNOTAVAIL:
                raise UserError(f"serve.host: {host!r} is no address of this machine") from None
    assert refused is not None
    raise OSError(
        refused.errno, refused.strerror, f"port {port} of {host} and the next {_TRIED - 1}"
    )


def address(host: str, port: int, access: Access) -> str:
    """The URL to open."""
    name = socket.gethostname() if _is_any(host) else host
    shown = f"[{name}]" if ":" in name else name
    query = f"?token={access.token}" if access.token else ""
    return f"http://{shown}:{port}/{query}"


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _name_in(header: str) -> str:
    """The host of a `Host` header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0]
