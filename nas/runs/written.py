"""Folders of files that are written anew as a whole: what is ours in them, and what is not."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from search_spaces.errors import UserError
from search_spaces.files import read_bytes, read_text, subfolder, write_text

_MOST_BYTES = 64 * 2**20


def write_all(root: Path, folder: str, files: Mapping[str, str]) -> tuple[Path, ...]:
    """Write `files`, texts by their names, into a folder of `root`; their paths.

    Removes what an earlier call wrote there and this one does not, unless somebody changed it
    since; a file of theirs whose name is needed is kept under its name and `.orig`. Raises
    UserError where the folder is a link.
    """
    place = subfolder(root, folder)
    manifest = root / f".{folder}.written.json"
    known = _read(manifest)
    made = {name: [_of(text)] for name, text in files.items()}
    for name in known.keys() - files.keys():
        if _digest(place / name) in known[name]:
            (place / name).unlink()
    for name in files:
        found = _digest(place / name)
        if found is not None and found not in (*known.get(name, ()), *made[name]):
            (place / name).rename(place / f"{name}.orig")
    # Before them, too: what a call that is killed here wrote is ours.
    _note(manifest, {name: [*known.get(name, ()), *digests] for name, digests in made.items()})
    paths = tuple(place / name for name in files)
    for path, text in zip(paths, files.values(), strict=True):
        write_text(path, text)
    _note(manifest, made)
    return paths


def _note(manifest: Path, digests: Mapping[str, list[str]]) -> None:
    write_text(manifest, json.dumps(digests, indent=1) + "\n")


def _of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str | None:
    """Of the file that is there; None for none. A link is nobody's file: it is replaced."""
    if path.is_symlink() or not path.exists():
        return None
    return hashlib.sha256(read_bytes(path, _MOST_BYTES)).hexdigest()


def _read(path: Path) -> dict[str, list[str]]:
    """Digests of what earlier calls wrote, by name; none where the manifest is damaged."""
    try:
        kept = json.loads(read_text(path))
    except (UserError, ValueError, RecursionError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {n: d for n, d in kept.items() if isinstance(d, list) and Path(n).name == n}
