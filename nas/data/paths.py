"""Paths of data on this machine, told before anything heavy is imported."""

import os
from pathlib import Path

from nas.data.names import shown
from search_spaces.errors import UserError


def local(path: str) -> str:
    """The absolute path, without a trailing slash; ~ stands for the home folder."""
    return os.path.abspath(os.path.expanduser(path))


def existing(path: str) -> Path:
    """The path of a file or folder. Raises UserError where there is none."""
    if not os.path.exists(path):
        raise UserError(f"data.path: no such file or folder: {shown(path)}")
    return Path(path)
