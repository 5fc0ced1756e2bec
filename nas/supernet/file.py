"""A trained supernet as a safetensors file: its weights, and what they are the weights of."""

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from nas.networks.trained import SUPERNET
from nas.supernet.slices import SHARINGS
from nas.supernet.store import Store
from search_spaces.errors import UserError, shown, told_under
from search_spaces.files import written

FILE = "supernet.safetensors"
_FORMAT = {"format": "pt"}


def write_store(path: Path, store: Store, about: Mapping[str, Any]) -> None:
    """Write a store, and what its weights depend on, whole or not at all."""
    plain = {name: each.detach().cpu().contiguous() for name, each in store.tensors.items()}
    header = {**_FORMAT, SUPERNET: json.dumps(about, sort_keys=True), "sharing": store.sharing}
    with written(path) as file:
        file.write(safetensors.torch.save(plain, header))


def read_store(path: Path) -> Store:
    """Read a store, once in a process as long as the file stays what it is.

    The file is mapped into memory: the processes of a machine share one copy. Raises UserError for
    a file that is no supernet.
    """
    # Files are put in place whole, so that one that was trained anew is another one.
    found = path.stat() if path.is_file() else None
    return _read(path, *((found.st_ino, found.st_size, found.st_mtime_ns) if found else ()))


@functools.lru_cache(maxsize=2)
def _read(path: Path, *_: int) -> Store:
    """Read a store; what follows the path tells one file from another in its place."""
    header = _header(path)
    sharing = next((each for each in SHARINGS if each == header.get("sharing")), None)
    if sharing is None:
        raise _no_supernet(path)
    return Store(safetensors.torch.load_file(path), sharing)


def read_about(path: Path) -> Mapping[str, Any]:
    """Read what a store's weights depend on. Raises UserError for a file that is no supernet."""
    header = _header(path)
    try:
        about = json.loads(header[SUPERNET])
    except (KeyError, ValueError, RecursionError):
        raise _no_supernet(path) from None
    if not isinstance(about, dict):
        raise _no_supernet(path)
    return about


def check_store(path: Path, about: Mapping[str, Any], setting: str) -> None:
    """Raise UserError, which says what differs, where a file is of another supernet, or of none."""
    with told_under(f"{setting}: "):
        difference = first_difference(read_about(path), about)
        if difference is not None:
            raise UserError(f"{path} is of another supernet: {difference}")


def first_difference(found: object, expected: object) -> str | None:
    """Name the first setting that two sets of plain data differ in, with both values."""
    ours, theirs = (dict(_flat(json.loads(json.dumps(each)))) for each in (expected, found))
    for name in [*ours, *theirs]:
        if ours.get(name) != theirs.get(name):
            got, wanted = (shown(each.get(name)) for each in (theirs, ours))
            return f"{name} is {got} there, and {wanted} here"
    return None


def _flat(node: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict) and (node or not name):
        for key, value in node.items():
            yield from _flat(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, node


def _header(path: Path) -> Mapping[str, str]:
    if path.is_dir():
        raise UserError(f"{path}: is a folder; expected a {FILE} that evaluator=supernet wrote")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (safetensors.SafetensorError, OSError) as error:
        raise UserError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None


def _no_supernet(path: Path) -> UserError:
    return UserError(f"{path}: is no supernet; expected a file that evaluator=supernet wrote")
