"""What a file of trained weights says of itself, read without a framework."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_spaces.errors import UserError

WEIGHTS = "weights.safetensors"
"""The file of weights in the folder that a training leaves."""
KEY = "nas_search"
"""The name of the card's JSON text in the header of the file of weights."""
MOST_HEADER = 16 * 2**20
"""The most bytes of a safetensors file's header that are read."""
LENGTH = 8
"""Bytes at the start of a safetensors file that say how long its header is."""


def card_in(path: Path) -> Mapping[str, Any]:
    """The card in the header of a file of trained weights, as plain data, none of it checked.

    Raises UserError for a file that is missing, foreign, or has no card.
    """
    header = _mapping(_json(_header(path), path))
    text = _mapping(header.get("__metadata__")).get(KEY)
    if not isinstance(text, str):
        raise UserError(f"{path}: its header has no {KEY}; expected weights that `train` left")
    return _mapping(_json(text, path))


def _header(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UserError(f"{path}: expected a file of weights")
        length = int.from_bytes(file.read(LENGTH), "little")
        if length > MOST_HEADER:
            most = f"at most {MOST_HEADER:,} are read"
            raise UserError(
                f"{path}: no safetensors file, or its header has {length:,} bytes; {most}"
            )
        return file.read(length)


def _json(text: str | bytes, path: Path) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{path}: no safetensors file that `train` left: no JSON") from None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
