"""Weights in files: published checkpoints into our networks and ours out again, as data only.

Read are timm's names, and torchvision's of ResNets and EfficientNets (see naming.py); written are
timm's. torchvision's EfficientNets B5 to B7 and V2 have batch norms with ε 1e-3: set
`batch_norm.eps`.
"""

import logging
import os
import pickle
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from nas.networks.naming import resnet_names, timm_names, torchvision_names
from search_spaces.errors import UserError

if TYPE_CHECKING:
    from nas.networks.model import Network

PICKLED = (".pth", ".pt", ".bin")
SUFFIXES = (".safetensors", *PICKLED)
_WRAPPERS = ("state_dict", "model")
"""Where training scripts keep the weights of a checkpoint that holds more than them."""
_log = logging.getLogger(__name__)


def load_weights(model: "Network", path: str | Path, *, swap_classifier: bool = False) -> None:
    """Fill `model` with the file's weights: all of them, and nothing else.

    With `swap_classifier`, a classifier of other classes is left out, the model keeps its own, and
    a warning is logged. Raises UserError with how many weights miss, are unexpected, or differ in
    shape, and the first of each.
    """
    wanted = model.state_dict()
    found = _under_our_names(model, read_state_dict(path))
    for name, tensor in wanted.items():
        if name.endswith("num_batches_tracked"):  # older files lack it, and no result needs it
            found.setdefault(name, tensor)
    bias = found.get("classifier.bias")
    if swap_classifier and bias is not None and bias.shape != wanted["classifier.bias"].shape:
        message = "%s: its classifier of %d classes is left out; a new one of %d starts untrained"
        _log.warning(message, path, bias.numel(), model.arch.num_classes)
        found |= {name: wanted[name] for name in ("classifier.weight", "classifier.bias")}
    problems = "; ".join(_differences(found, wanted))
    if problems:
        raise UserError(f"{path}: not the weights of {model.arch.name}: {problems}")
    model.load_state_dict(found, strict=True)


def save_weights(model: "Network", path: str | Path) -> None:
    """Write the weights under timm's names, to `.safetensors` or `.pth` as `path` ends.

    What is at `path` stays until the new file is whole.
    """
    path = _checked(path)
    tensors = {k: v.detach().cpu().contiguous() for k, v in timm_state_dict(model).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    if path.suffix == ".safetensors":
        save_file(tensors, partial)
    else:
        torch.save(tensors, partial)
    os.replace(partial, path)


def timm_state_dict(model: "Network") -> dict[str, Tensor]:
    """The model's own tensors, not copies, under the names timm has for them."""
    state = model.state_dict()
    names = timm_names(model.arch, state)
    return {names[name]: tensor for name, tensor in state.items()}


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` or `.pth` file by name. No code in the file is run.

    Raises UserError for a file that is missing, cut short, foreign, or holds other than tensors.
    """
    path = _checked(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            reason = _first_line(error)
            raise UserError(f"{path}: no safetensors file, or cut short: {reason}") from None
    content = _unpickled(path)
    if isinstance(content, Mapping):
        content = next((content[name] for name in _WRAPPERS if name in content), content)
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise UserError(f"{path}: expected a state dict, names and their tensors")
    return dict(content)


def _unpickled(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        if zipfile.is_zipfile(path) or _is_whole_pickle(path):
            expected = "which are never run; expected tensors only"
            raise UserError(f"{path}: holds pickled code or objects, {expected}") from None
        raise UserError(f"{path}: no PyTorch checkpoint, or cut short") from None
    except Exception as error:  # bytes that are no checkpoint fail in every way there is
        reason = _first_line(error)
        raise UserError(f"{path}: no PyTorch checkpoint, or cut short: {reason}") from None


def _is_whole_pickle(path: Path) -> bool:
    """Whether the file begins with a pickle, found by reading its instructions, not following."""
    try:
        with path.open("rb") as file:
            return sum(1 for _ in pickletools.genops(file)) > 1
    except ValueError:
        return False


def _under_our_names(model: "Network", found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors by our names, read in the naming that most of them agree with."""
    ours = tuple(model.state_dict())
    namings = (
        {name: name for name in ours},
        resnet_names(ours),
        torchvision_names(model.arch, ours),
    )
    naming = max(namings, key=lambda naming: sum(theirs in found for theirs in naming.values()))
    our_name = {theirs: name for name, theirs in naming.items()}
    return {our_name.get(name, name): tensor for name, tensor in found.items()}


def _differences(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    missing = [name for name in wanted if name not in found]
    unexpected = [name for name in found if name not in wanted]
    shapes = [name for name in wanted if name in found and found[name].shape != wanted[name].shape]
    if missing:
        yield f"{len(missing)} missing, first {missing[0]}"
    if unexpected:
        yield f"{len(unexpected)} unexpected, first {unexpected[0]}"
    if shapes:
        first = shapes[0]
        got, expected = (tuple(state[first].shape) for state in (found, wanted))
        yield f"{len(shapes)} of another shape, first {first}: {got}, expected {expected}"


def _checked(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path}: expected a file of weights ending in {', '.join(SUFFIXES)}")
    return path


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
