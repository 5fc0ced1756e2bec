"""Places that settings name for what a command writes, looked at before it begins."""

from pathlib import Path

from search_spaces.errors import UserError


def file_to_write(setting: str, given: str) -> Path:
    """The file that a setting names. Raises UserError for a folder, and for one below a file."""
    path = Path(given)
    if path.is_dir():
        raise UserError(f"{setting}: {path}: expected a file to write, this is a folder")
    _check_above(setting, path)
    return path


def folder_to_write(setting: str, given: str) -> Path:
    """The folder that a setting names. Raises UserError for a file, and for one below a file."""
    path = Path(given)
    if path.exists() and not path.is_dir():
        raise UserError(f"{setting}: {path}: expected a folder to write into, this is a file")
    _check_above(setting, path)
    return path


def _check_above(setting: str, path: Path) -> None:
    for above in path.parents:
        if above.exists() and not above.is_dir():
            raise UserError(f"{setting}: {above} is a file; expected a folder")
