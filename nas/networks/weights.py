"""Weights in files: published checkpoints into our networks and ours out again, as data only.

Read are timm's names, and torchvision's of ResNets and EfficientNets (see naming.py), from the
files that training scripts write (see checkpoints.py); written are timm's. torchvision's
EfficientNets B5 to B7 and V2 have batch norms with ε 1e-3: set `batch_norm.eps`.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
import torch
from torch import Tensor

from nas.networks.checkpoints import (
    Checkpoint,
    checked_path,
    is_safetensors,
    read_checkpoint,
    shown,
)
from nas.networks.naming import family_names, timm_names, torchvision_names
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.files import written


class Described(Protocol):
    """A module that knows what network it is, as `nas.networks.model.Network` does."""

    arch: Arch

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool) -> object: ...


_TIMES = 32
"""The model's bytes, for averages, optimizer states and double precision beside the weights."""
_BESIDE = 2**28
"""Bytes of whatever else is in a checkpoint."""
_REAL = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_CLASSIFIER = ("classifier.weight", "classifier.bias")
_FORMAT = {"format": "pt"}
"""What libraries that read several formats look for in a header."""
_log = logging.getLogger(__name__)


def load_weights(model: Described, path: str | Path, *, swap_classifier: bool = False) -> None:
    """Fill `model` with the file's weights: all of them, and nothing else.

    Where the file holds more, its averaged weights come first, and a warning says which part was
    taken; another says so where they change precision. With `swap_classifier`, a classifier of
    other classes, or none at all, is left out, the model keeps its own, and a warning is logged.
    Raises UserError with how many weights miss, are unexpected, differ in shape, or are no finite
    numbers, and the first of each.
    """
    wanted = model.state_dict()
    most = _TIMES * sum(tensor.nbytes for tensor in wanted.values()) + _BESIDE
    checkpoint = read_checkpoint(path, most)
    found = _under_our_names(model, checkpoint.tensors, path)
    for name, tensor in wanted.items():
        if name.endswith("num_batches_tracked"):  # older files lack it, and no result needs it
            found.setdefault(name, tensor)
    kept = _kept_classifier(found, wanted) if swap_classifier else None
    if kept:
        found |= {name: wanted[name] for name in _CLASSIFIER}
    loaded = {name: _as_shaped(tensor, wanted.get(name)) for name, tensor in found.items()}
    problems = "; ".join(_differences(loaded, wanted)) or "; ".join(_odd_values(loaded, wanted))
    if problems:
        raise UserError(f"{path}: not the weights of {model.arch.name}: {problems}")
    _say_what_was_taken(path, checkpoint)
    if kept:
        message = "%s: %s; a new one of %d starts untrained"
        _log.warning(message, path, kept, model.arch.num_classes)
    model.load_state_dict(loaded, strict=True)


def save_weights(
    model: Described, path: str | Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write the weights under timm's names, to `.safetensors` or `.pth` as `path` ends.

    What is at `path` stays until the new file is whole. `metadata` are texts for the header of a
    `.safetensors` file; raises UserError where another format is to hold them.
    """
    path = checked_path(path)
    if metadata and not is_safetensors(path):
        raise UserError(f"{path}: expected a .safetensors file; others have no header for texts")
    tensors = {k: v.detach().cpu().contiguous() for k, v in timm_state_dict(model).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with written(path) as file:
        if is_safetensors(path):
            header = None if metadata is None else {**_FORMAT, **metadata}
            file.write(safetensors.torch.save(tensors, header))
        else:
            torch.save(tensors, file)


def timm_state_dict(model: Described) -> dict[str, Tensor]:
    """The model's own tensors, not copies, under the names timm has for them."""
    state = model.state_dict()
    names = timm_names(model.arch, state)
    return {names[name]: tensor for name, tensor in state.items()}


def _under_our_names(
    model: Described, found: Mapping[str, Tensor], path: str | Path
) -> dict[str, Tensor]:
    """The file's tensors by our names, read in the naming that most of them agree with."""
    ours = tuple(model.state_dict())
    namings = (
        {name: name for name in ours},
        *family_names(ours),
        torchvision_names(model.arch, ours),
    )
    naming = max(namings, key=lambda naming: sum(theirs in found for theirs in naming.values()))
    our_name = {theirs: name for name, theirs in naming.items()}
    renamed: dict[str, Tensor] = {}
    for name, tensor in found.items():
        ours_of_it = our_name.get(name, name)
        if ours_of_it in renamed:
            raise UserError(f"{path}: holds {shown(ours_of_it)} twice, under two names")
        renamed[ours_of_it] = tensor
    return renamed


def _kept_classifier(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str | None:
    """Why the model's own classifier stays, where the file has none that fits."""
    if not any(name in found for name in _CLASSIFIER):
        return "it has no classifier"
    bias = found.get("classifier.bias")
    if bias is None or bias.shape == wanted["classifier.bias"].shape:
        return None
    return f"its classifier of {bias.numel()} classes is left out"


def _as_shaped(tensor: Tensor, wanted: Tensor | None) -> Tensor:
    """A linear layer's matrix as a 1×1 conv's kernel or the other way: the same weights."""
    if wanted is None or tensor.layout != torch.strided or tensor.is_nested:
        return tensor
    shape, target = tuple(tensor.shape), tuple(wanted.shape)
    same = (*shape, 1, 1) == target or shape == (*target, 1, 1)
    return tensor.reshape(target) if same else tensor


def _differences(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    missing = [name for name in wanted if name not in found]
    unexpected = [name for name in found if name not in wanted]
    both = [name for name in wanted if name in found]
    kinds = [name for name in both if _odd_kind(found[name], wanted[name])]
    shapes = [n for n in both if n not in kinds and found[n].shape != wanted[n].shape]
    if missing:
        headless = not unexpected and set(missing) <= set(_CLASSIFIER)
        hint = " (with num_classes given, a new classifier takes its place)" if headless else ""
        yield f"{len(missing)} missing, first {missing[0]}{hint}"
    if unexpected:
        yield f"{len(unexpected)} unexpected, first {shown(unexpected[0])}"
    if kinds:
        first = kinds[0]
        kind = _odd_kind(found[first], wanted[first])
        yield f"{len(kinds)} of another kind, first {first}: {kind}, expected float32 values"
    if shapes:
        first = shapes[0]
        got, expected = (tuple(state[first].shape) for state in (found, wanted))
        yield f"{len(shapes)} of another shape, first {first}: {got}, expected {expected}"


def _odd_kind(found: Tensor, wanted: Tensor) -> str | None:
    """Says of a tensor that cannot become the wanted one what it is; None for one that can."""
    if found.is_nested or found.layout != torch.strided:
        return "nested" if found.is_nested else str(found.layout).removeprefix("torch.")
    if found.is_meta:
        return "without values (meta)"
    if wanted.is_floating_point() and found.dtype not in _REAL:
        return str(found.dtype).removeprefix("torch.")
    return str(found.dtype).removeprefix("torch.") if found.is_complex() else None


def _odd_values(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    odd = [
        name
        for name, tensor in found.items()
        if tensor.is_floating_point() and not tensor.to(wanted[name].dtype).isfinite().all()
    ]
    if odd:
        yield f"{len(odd)} with NaN or infinite values, first {odd[0]}"


def _say_what_was_taken(path: str | Path, checkpoint: Checkpoint) -> None:
    if checkpoint.part is not None:
        instead = f", not from {', '.join(checkpoint.others)}" if checkpoint.others else ""
        _log.warning("%s: weights taken from its %s%s", path, checkpoint.part, instead)
    real = {t.dtype for t in checkpoint.tensors.values() if t.is_floating_point()}
    for dtype in sorted(map(str, real - {torch.float32})):
        _log.warning("%s: its %s weights become float32", path, dtype.removeprefix("torch."))
