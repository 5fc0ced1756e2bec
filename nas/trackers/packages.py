"""Packages that trackers need, which are extras of this one."""

from importlib.util import find_spec

from search_spaces.errors import UserError


def needed(package: str, tracker: str, install: str) -> None:
    """Raises UserError where a package of a tracker is not installed; it is not imported."""
    if find_spec(package) is None:
        raise UserError(f"tracker: {tracker}: {package} is not installed; pip install {install}")
