"""Modules of the user's own, which lie in the folder where they stand."""

import importlib.util
import os
import pkgutil
import sys
from importlib.machinery import PathFinder
from typing import Any

from search_spaces.errors import UserError


def imported(name: object, place: str) -> Any:
    """What a dotted name stands for; `place` is the setting that names it.

    The working directory serves a name that nothing else does. Until one is asked for it is not
    searched: a folder from somebody else may hold files by the name of any package. Raises
    UserError for what cannot be imported.
    """
    if not isinstance(name, str):
        raise UserError(f"{place}: expected a dotted name, got {name!r}")
    try:
        _serve(name.partition(":")[0].partition(".")[0])
        return pkgutil.resolve_name(name)
    except Exception as error:  # importing runs a user's module: anything may come of it
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{place}: cannot import {name!r}: {reason}") from None


def _serve(name: str) -> None:
    """Let a top-level module be found in the working directory, by us and by our workers."""
    here = os.getcwd()
    if not name or name in sys.modules or importlib.util.find_spec(name) is not None:
        return
    if here not in sys.path and PathFinder.find_spec(name, [here]) is not None:
        # Last, and for good: workers import by this path, and the module may import its neighbours.
        sys.path.append(here)
