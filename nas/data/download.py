"""A file from a server: whole, and of the content that was expected, or one line."""

import hashlib
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException

from search_spaces.errors import CommandFailed, UserError, shown

_PATIENCE = 20.0
"""Seconds that the server may take to answer, or to go on."""


def downloaded(url: str, size: int, sha256: str) -> bytes:
    """The bytes that a URL gives: `size` of them, with that SHA-256 in hexadecimal.

    Raises UserError for what is no URL of the web, CommandFailed where the server does not answer,
    refuses, or gives something else.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise UserError(f"benchmark.url: expected https://…, got {shown(url, 100)}")
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
            data: bytes = answer.read(size + 1)
    except urllib.error.HTTPError as error:
        raise CommandFailed(f"{url}: the server answers {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise CommandFailed(
            f"{url}: cannot be downloaded: {reason}; nothing was written: the file can be put in "
            "place by hand"
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if len(data) != size or found != sha256.lower():
        more = "over " if len(data) > size else ""
        raise CommandFailed(
            f"{url}: gives {more}{min(len(data), size):,} bytes of SHA-256 {found[:12]}…; expected "
            f"{size:,} of {sha256[:12]}…; nothing was written"
        )
    return data
