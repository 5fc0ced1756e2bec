"""Other people's checkpoints: the state dict in a file, read as data only.

What training scripts save beside the weights is not made: of an `argparse.Namespace`, a path or a
NumPy scalar only the place is kept. Which part of a checkpoint holds the weights is decided as
timm's `load_state_dict` decides it: averaged weights (EMA) before the others.
"""

import os
import pickle
import pickletools
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeGuard

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from nas.networks.trained_header import LENGTH, MOST_HEADER
from search_spaces.errors import UserError
from search_spaces.files import expanded

PICKLED = (".pth", ".pt", ".bin", ".ckpt", ".pth.tar")
SUFFIXES = (".safetensors", *PICKLED)
PARTS = (
    *("state_dict_ema", "model_ema", "ema_state_dict", "ema"),
    *("state_dict", "model", "model_state_dict", "net", "weights"),
)
"""Where training scripts keep the weights of a checkpoint that holds more than them; the first
that is there is taken."""
_WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
"""What DistributedDataParallel, `torch.compile` and FSDP add to names, anywhere in them."""
_ATTRIBUTES = ("model", "net", "network", "backbone", "timm_model")
"""Attributes under which Lightning's and other modules keep the network: one begins all names."""
_PICKLES = 5
"""Pickles in a file from before torch saved zips: magic number, version, system, content and
storages."""

_ENDLESS = frozenset({"builtins.bytearray", "__builtin__.bytearray"})
"""torch makes them, of any length that a hundred bytes ask for; no weights are in one."""


class _Unmade:
    """Stands for an object that is not needed, and so not made."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


_UNMADE: list[Callable[..., object] | tuple[Callable[..., object], str]] = [
    (_Unmade, name)
    for name in (
        "argparse.Namespace",
        *(
            f"{module}.{path}"
            for module in ("pathlib", "pathlib._local")
            for path in ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")
        ),
        "numpy.dtype",
        "numpy.ndarray",
        *(
            f"numpy.{core}.multiarray.{function}"
            for core in ("core", "_core")
            for function in ("scalar", "_reconstruct")
        ),
    )
]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights in a file, and which of its parts they are."""

    tensors: dict[str, Tensor]
    """The tensors by the network's own names, without those of what wraps a network."""
    part: str | None
    """None where the whole file is a state dict."""
    others: tuple[str, ...]
    """Other parts that hold weights, which are not taken."""


def checked_path(path: str | Path) -> Path:
    """The path of a file of weights by its name; raises UserError for other names."""
    path = expanded(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise UserError(f"{path}: expected a file of weights ending in {', '.join(SUFFIXES)}")
    return path


def is_safetensors(path: Path) -> bool:
    """Whether a file of that name is one of safetensors, not a pickled one."""
    return path.name.lower().endswith(".safetensors")


def read_checkpoint(path: str | Path, most_bytes: int) -> Checkpoint:
    """The weights in a `.safetensors` or pickled file. No code in the file is run.

    Raises UserError for a file that is missing, cut short, foreign, holds other than tensors where
    the weights are, or comes to over `most_bytes` when unpacked.
    """
    path = checked_path(path)
    _check_regular(path)
    with path.open("rb") as file:  # what the system refuses is its error, not the file's
        if is_safetensors(path):
            _check_size(path, path.stat().st_size, most_bytes)
            content: object = _safetensors(path)
        else:
            content = _unpickled(path, _globals_of(path, file, most_bytes))
    part, tensors, others = _chosen(path, content)
    return Checkpoint(_plain_names(path, tensors), part, others)


def read_metadata(path: str | Path) -> dict[str, str]:
    """The texts in the header of a `.safetensors` file, by their names; no tensor is read.

    Raises UserError for a file that is missing, cut short or foreign, and for a header of over
    16 MiB: names of tensors take some hundred kilobytes.
    """
    path = checked_path(path)
    if not is_safetensors(path):
        raise UserError(f"{path}: expected a .safetensors file; others have no header for texts")
    _check_regular(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH), "little")
    if length > MOST_HEADER:
        most = f"at most {MOST_HEADER:,} are read"
        raise UserError(f"{path}: no safetensors file, or its header has {length:,} bytes; {most}")
    try:
        with safe_open(path, framework="pt") as opened:
            return dict(opened.metadata() or {})
    except Exception as error:
        raise _unreadable(path, "safetensors file", error) from None


def shown(text: str) -> str:
    """A name from a file as a message can have it: one short line without control characters."""
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= 80 else f"{text[:77]}..."


def _check_regular(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path}: no such file") from None
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise UserError(f"{path}: is {what}; expected a file of weights")


def _check_size(path: Path, size: int, most: int) -> None:
    if size > most:
        held = f"holds {size:,} bytes when unpacked"
        raise UserError(f"{path}: {held}; at most {most:,} are read for a network of this size")


def _globals_of(path: Path, file: IO[bytes], most: int) -> frozenset[str]:
    """The names of Python's that a pickled file refers to. Its instructions are read, not followed.

    Raises UserError for a file that is too large or no checkpoint.
    """
    size = path.stat().st_size
    try:
        if file.read(4) != b"PK\x03\x04":  # as torch tells its two formats apart
            _check_size(path, size, most)
            file.seek(0)
            return frozenset(_globals(file, _PICKLES))
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            # torch takes room for what the directory says, before it unpacks.
            _check_size(path, max(size, sum(entry.file_size for entry in entries)), most)
            names: set[str] = set()
            for entry in entries:
                if entry.filename.endswith("data.pkl"):
                    with archive.open(entry) as pickled:
                        names.update(_globals(pickled, 1))
            return frozenset(names)
    except UserError:
        raise
    except Exception as error:  # bytes that are no checkpoint fail in every way there is
        raise _unreadable(path, "PyTorch checkpoint", error) from None


def _globals(file: IO[bytes], pickles: int) -> Iterator[str]:
    for _ in range(pickles):
        if not file.read(1):
            return
        file.seek(-1, os.SEEK_CUR)
        for code, argument, _ in pickletools.genops(file):
            if code.name == "GLOBAL":
                yield str(argument).replace(" ", ".")


def _unpickled(path: Path, names: frozenset[str]) -> object:
    if names & _ENDLESS:
        raise _code(path, names)
    try:
        with torch.serialization.safe_globals(_UNMADE), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that its reader did not choose
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # of whole pickles: what they ask for is not allowed
        raise _code(path, names) from None
    except Exception as error:
        raise _unreadable(path, "PyTorch checkpoint", error) from None


def _code(path: Path, names: frozenset[str]) -> UserError:
    known = {entry[1] for entry in _UNMADE if isinstance(entry, tuple)}
    foreign = sorted(n for n in names - known if not n.startswith(("torch.", "collections.")))
    listed = ", ".join(map(shown, foreign[:3])) + (", …" if len(foreign) > 3 else "")
    what = "pickled code or objects, which are never run" + (f": {listed}" if listed else "")
    return UserError(f"{path}: holds {what}; expected tensors only")


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except Exception as error:
        raise _unreadable(path, "safetensors file", error) from None


def _unreadable(path: Path, kind: str, error: Exception) -> UserError:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return UserError(f"{path}: no {kind}, or cut short: {shown(reason)}")


def _chosen(
    path: Path, content: object
) -> tuple[str | None, Mapping[str, Tensor], tuple[str, ...]]:
    if _is_state_dict(content):
        return None, content, ()
    if isinstance(content, Mapping):
        present = [part for part in PARTS if _holds_tensors(content.get(part))]
        if present:
            part, *others = present
            taken = content[part]
            if _is_state_dict(taken):
                return part, taken, tuple(others)
            odd = next(n for n, v in taken.items() if not isinstance(v, Tensor))
            raise UserError(f"{path}: its {part} holds other than tensors: {shown(str(odd))}")
    problem = f"{path}: expected a state dict, names and their tensors"
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise UserError(problem)
    there = ", ".join(map(shown, list(content)[:5]))
    raise UserError(f"{problem}, or one under {', '.join(PARTS)}; it holds {there or 'nothing'}")


def _is_state_dict(value: object) -> TypeGuard[Mapping[str, Tensor]]:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in value.items()
    )


def _holds_tensors(value: object) -> bool:
    return isinstance(value, Mapping) and any(isinstance(v, Tensor) for v in value.values())


def _plain_names(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors by the names they have in the network alone, without wrappers' parts of them."""
    plain: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        own = ".".join(part for part in name.split(".") if part not in _WRAPPERS)
        if own in plain:
            raise UserError(f"{path}: two tensors are called {shown(own)}")
        if own != "n_averaged":  # a count that torch's AveragedModel keeps beside the weights
            plain[own] = tensor
    for attribute in _ATTRIBUTES:
        prefix = f"{attribute}."
        if plain and all(name.startswith(prefix) for name in plain):
            return {name.removeprefix(prefix): tensor for name, tensor in plain.items()}
    return plain
