"""A training under way: all that it needs to go on, whole on the disk or not there.

A checkpoint is a folder of tensors in safetensors files and `standing.json`, which says how far the
training has come and which files are of it. That text is written last, and takes the place of the
one before it at once: a process that is killed leaves either checkpoint whole.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from search_spaces.errors import UserError
from search_spaces.files import kept_if_filled, not_a_link, read_bytes, read_text, written
from search_spaces.parsing import from_mapping

FOLDER = "checkpoint"
_STANDING = "standing.json"

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """What one epoch came to."""

    epoch: int
    """From 1."""
    lr: float
    """The learning rate of its last step."""
    train_loss: float
    train_accuracy: float
    """The share of images, as they were augmented, that were classified rightly."""
    minival: float | None
    """The plan's metric on the images held out; None where none were."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a training has come."""

    step: int = 0
    """Steps that are done of the epoch that follows those of the curve."""
    right: float = 0.0
    """Images of these steps that were classified rightly."""
    loss: float = 0.0
    """The sum of their losses."""
    seconds: float = 0.0
    """The time that these steps took."""
    parts: int = 1
    """Parts that each batch is divided into, for want of memory."""
    threads: int | None = None
    """Threads of the CPU that took the latest step; None before the first."""
    best_epoch: int = 0
    """The epoch, from 1, whose weights are kept; 0 for none."""
    curve: tuple[EpochRow, ...] = ()

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        return len(self.curve)

    def after(self, row: EpochRow) -> "Standing":
        """How far it has come after one more epoch; the best is the last of those that tie."""
        best = max((each.minival or 0.0 for each in self.curve), default=0.0)
        better = row.minival is None or row.minival >= best
        return Standing(
            parts=self.parts,
            threads=self.threads,
            best_epoch=row.epoch if better else self.best_epoch,
            curve=(*self.curve, row),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file of a checkpoint."""

    name: str
    size: int
    """In bytes."""
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What `standing.json` says."""

    standing: Standing
    state: _File
    best: _File | None = None


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The latest checkpoint of the training that a folder is of."""

    training: Path

    @property
    def folder(self) -> Path:
        """The folder of the checkpoint."""
        return self.training / FOLDER

    def there(self) -> bool:
        """Whether there is a checkpoint, whole or damaged."""
        return (self.folder / _STANDING).exists()

    def write(self, standing: Standing, state: Tensors, best: Tensors | None = None) -> None:
        """Write a checkpoint; without `best`, the best weights stay those of the one before.

        Raises OSError, which names the file, where the disk is full; the one before then stays.
        """
        with kept_if_filled(self.training, FOLDER) as folder:
            self._put(folder, standing, state, best)

    def _put(self, folder: Path, standing: Standing, state: Tensors, best: Tensors | None) -> None:
        earlier = self._read() if self.there() else None
        kept = earlier.best if earlier else None
        if best is not None:
            kept = _put(folder, f"best-{standing.best_epoch}.safetensors", best)
        name = f"state-{standing.epoch}-{standing.step}.safetensors"
        now = _Written(standing=standing, state=_put(folder, name, state), best=kept)
        with written(folder / _STANDING) as file:
            file.write((json.dumps(asdict(now), indent=1, allow_nan=False) + "\n").encode())
        ours = {now.state.name, now.best.name if now.best else ""}
        for path in folder.glob("*.safetensors"):
            if path.name not in ours:
                path.unlink()

    def standing(self) -> Standing:
        """How far the training has come; the beginning where there is no checkpoint.

        Raises UserError for a checkpoint that is damaged.
        """
        return self._read().standing if self.there() else Standing()

    def state(self) -> dict[str, Tensor]:
        """The tensors to go on with. Raises UserError where they are damaged."""
        return self._tensors(self._read().state)

    def best(self) -> dict[str, Tensor] | None:
        """The weights of the best epoch; None where none are kept. Raises UserError likewise."""
        best = self._read().best
        return None if best is None else self._tensors(best)

    def remove(self) -> None:
        """Remove the folder of a training that has ended."""
        if not_a_link(self.folder).exists():
            shutil.rmtree(self.folder)

    def _read(self) -> _Written:
        path = self.folder / _STANDING
        try:
            return from_mapping(_Written, json.loads(read_text(path)))
        except (UserError, ValueError, RecursionError):
            raise self._damaged(path) from None

    def _tensors(self, file: _File) -> dict[str, Tensor]:
        path = self.folder / Path(file.name).name
        with contextlib.suppress(UserError):  # it is gone, or larger
            data = read_bytes(path, file.size)
            if hashlib.sha256(data).hexdigest() == file.digest:
                return safetensors.torch.load(data)
        raise self._damaged(path)

    def _damaged(self, path: Path) -> UserError:
        return UserError(
            f"{path}: the checkpoint is damaged; put the file back, or remove {self.folder} to "
            f"train from the beginning"
        )


def _put(folder: Path, name: str, tensors: Tensors) -> _File:
    plain = {key: each.detach().cpu().contiguous() for key, each in tensors.items()}
    data = safetensors.torch.save(plain)
    with written(folder / name) as file:
        file.write(data)
    return _File(name=name, size=len(data), digest=hashlib.sha256(data).hexdigest())


def under(prefix: str, tensors: Tensors) -> dict[str, Tensor]:
    """The tensors, with a prefix before each of their names."""
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def of(prefix: str, tensors: Tensors) -> dict[str, Tensor]:
    """Those of the tensors whose names begin with a prefix, without it."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimizer: of each parameter, by its number, what it has."""
    state = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": value
        for number, values in state.items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Give an optimizer the state that `optimizer_tensors` gave, laid out as its parameters are.

    The same values in another layout may add up to other last digits.
    """
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        like = parameters[int(number)]
        laid = torch.empty_like(like).copy_(tensor) if tensor.shape == like.shape else tensor
        state.setdefault(int(number), {})[name] = laid.detach()
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
