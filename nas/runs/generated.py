"""Folders of generated files: which files in them are ours, and which are somebody else's."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from search_spaces.errors import UserError
from search_spaces.files import read_bytes, read_text, subfolder, write_text

_MOST_BYTES = 64 * 2**20


def write_folder(root: Path, folder: str, files: Mapping[str, str]) -> tuple[Path, ...]:
    """Write `files`, texts by their names, into a folder of `root`; returns their paths.

    It removes what an earlier call wrote there and this one does not, unless somebody has changed
    it since. Somebody's file whose name is needed is renamed to end with `.orig`. Raises UserError
    where the folder is a link.
    """
    place = subfolder(root, folder)
    manifest = root / f".{folder}.written.json"
    earlier = _read(manifest)
    ours = {name: [_digest_of(text)] for name, text in files.items()}
    for name in earlier.keys() - files.keys():
        if _digest_at(place / name) in earlier[name]:
            (place / name).unlink()
    for name in files:
        found = _digest_at(place / name)
        if found is not None and found not in (*earlier.get(name, ()), *ours[name]):
            (place / name).rename(place / f"{name}.orig")
    # The manifest comes before the files as well, so that files are known to be ours even if this
    # call is killed while it writes them.
    _note(manifest, {name: [*earlier.get(name, ()), *digests] for name, digests in ours.items()})
    paths = tuple(place / name for name in files)
    for path, text in zip(paths, files.values(), strict=True):
        write_text(path, text)
    _note(manifest, ours)
    return paths


def _note(manifest: Path, digests: Mapping[str, list[str]]) -> None:
    write_text(manifest, json.dumps(digests, indent=1) + "\n")


def _digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_at(path: Path) -> str | None:
    """The digest of a file; None where there is none, or a link, which is replaced."""
    if path.is_symlink() or not path.exists():
        return None
    return hashlib.sha256(read_bytes(path, _MOST_BYTES)).hexdigest()


def _read(path: Path) -> dict[str, list[str]]:
    """Digests of what earlier calls wrote, by name; empty where the manifest is damaged."""
    try:
        kept = json.loads(read_text(path))
    except (UserError, ValueError, RecursionError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {n: d for n, d in kept.items() if isinstance(d, list) and Path(n).name == n}
