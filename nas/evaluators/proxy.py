"""Proxy accuracy: how well a slim version of a network does after a short training."""

import hashlib
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

import torch

from nas.evaluators.base import Evaluator, Measurement, Report
from nas.networks.model import build
from nas.training.data import Dataset, fits, load, splits, verify
from nas.training.fit import fit, seeded
from nas.training.initial import start_near_identity
from nas.training.memory import within_memory
from nas.training.recipe import Recipe
from nas.training.shared import SharedImages
from nas.training.sources import Digits, Source
from nas.training.threads import threads
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.scaling import scale


@dataclass(frozen=True, kw_only=True)
class ProxyEvaluator(Evaluator):
    """Trains the architecture scaled down, by the same rule that scales up, and validates it.

    The accuracy is the last epoch's, on images held out of the training images.
    """

    data: Source = field(default_factory=Digits)
    recipe: Recipe = field(default_factory=Recipe)
    epochs: int = 4
    width: float = 0.125
    """Channels of the proxy over those of the architecture."""
    depth: float = 1.0
    """Layers of the proxy over those of the architecture."""
    resolution: int = 40
    """Pixels a side that stand for `base_resolution`."""
    base_resolution: int = 224
    """An architecture of r pixels trains at resolution · r / base_resolution."""
    divisor: int = 2
    """Channels of the proxy round to its multiples: the coarser, the more architectures share
    one proxy."""
    dropout: float = 0.0
    """The architecture's own is for trainings many times longer; so is its drop path, and the
    momentum of its batch normalisation."""
    drop_path: float = 0.0
    bn_momentum: float = 0.1
    device: str = "auto"
    """A torch device; `auto` is CUDA where there is one."""
    threads: int = 1
    """Of the CPU, for one training. Part of what makes a training repeat exactly."""
    parts: int = 1
    """Of a batch, whose gradients are added up, from the start; more where memory runs out."""
    shared: SharedImages | None = field(default=None, repr=False, compare=False)
    """Of the data, images that another process read."""

    def __post_init__(self) -> None:
        for name in ("epochs", "resolution", "base_resolution", "divisor", "threads", "parts"):
            if getattr(self, name) < 1:
                raise UserError(f"{name}: expected at least 1, got {getattr(self, name)}")
        for name in ("width", "depth"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"{name}: expected above 0, got {getattr(self, name)}")

    def proxy(self, arch: Arch) -> Arch:
        """The network that is trained in place of `arch`."""
        resolution = self._resolution(arch)
        try:
            slim = scale(arch, self.depth, self.width, resolution, divisor=self.divisor)
        except UserError as error:
            raise UserError(
                f"evaluator: {arch.name} scaled to depth {self.depth}, width {self.width} and "
                f"{resolution} px: {error}"
            ) from error
        return slim.replace(
            in_channels=3,
            num_classes=self._num_classes(),
            dropout=self.dropout,
            drop_path=self.drop_path,
            batch_norm=replace(arch.batch_norm, momentum=self.bn_momentum),
        )

    def check(self, arch: Arch) -> None:
        """Raises UserError where `arch` has no proxy: one of too few pixels for its strides."""
        self.proxy(arch)

    def evaluate(self, arch: Arch, seed: int, report: Report) -> Measurement:
        """Proxy accuracy of `arch`; the same, to the bit, for the same `arch` and `seed`."""
        device = _device(self.device)
        slim = self.proxy(arch)
        data = self._dataset(slim.resolution)
        training_seed = derive_seed(seed, arch)

        def train(parts: int) -> tuple[float, ...]:
            with seeded(training_seed, device):
                model = build(slim)
                if self.recipe.near_identity:
                    start_near_identity(model)
            return fit(
                model,
                data,
                self.recipe,
                epochs=self.epochs,
                seed=training_seed,
                device=device,
                report=report,
                parts=parts,
            )

        batch_size = min(self.recipe.batch_size, len(data.train))
        with threads(self.threads):
            curve, parts = within_memory(train, batch_size, self.parts)
        note = f"for want of memory, batches of {batch_size} in {parts} parts" if parts > 1 else ""
        return Measurement(accuracy=curve[-1], curve=curve, note=note)

    def needs(self, arch: Arch) -> int | None:
        """The resolution of its proxy; None where the images do not fit in memory."""
        resolution = self._resolution(arch)
        return resolution if fits(self.data, resolution) else None

    def fetch(self, need: Hashable) -> SharedImages:
        """The images at a resolution. Raises UserError for data that cannot be used."""
        if not isinstance(need, int):
            raise TypeError(f"expected pixels a side, got {need!r}")
        return SharedImages.of(load(self.data, need))

    def given(self, data: SharedImages) -> "ProxyEvaluator":
        """The same with the images of one resolution at hand."""
        return replace(self, shared=data)

    def _resolution(self, arch: Arch) -> int:
        return round(self.resolution * arch.resolution / self.base_resolution)

    def _dataset(self, resolution: int) -> Dataset:
        if self.shared is not None and self.shared.resolution == resolution:
            return self.shared.dataset()
        return load(self.data, resolution)

    def _num_classes(self) -> int:
        return self.shared.num_classes if self.shared else len(splits(self.data).classes)

    def sparing(self, halvings: int) -> "ProxyEvaluator":
        """The same, dividing each batch into 2^`halvings` times as many parts."""
        return replace(self, parts=self.parts * 2**halvings)

    def describe(self) -> Mapping[str, str | int | float]:
        """The proxy, for the axis titles and tables that show its accuracy."""
        data = load(self.data, self.resolution)
        return {
            "dataset": self.data.name,
            "training images": len(data.train),
            "validation images": len(data.val),
            "classes": data.num_classes,
            "resolution": self.resolution,
            "width": self.width,
            "depth": self.depth,
            "epochs": self.epochs,
        }

    def prepare(self) -> None:
        """Reads the data; raises UserError where it, or the device, is not to be had."""
        _device(self.device)
        verify(self.data, self.resolution)


def derive_seed(seed: int, arch: Arch) -> int:
    """A seed for one training: of the architecture's own, whatever else a run trains."""
    digest = hashlib.sha256(f"{seed} {arch.key()}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"evaluator.device: cannot use {name}: {reason}") from error
    return device
