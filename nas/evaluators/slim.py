"""What evaluators that run slim networks on images have in common."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Self

from nas.data.dataset import Dataset, fits, fold, identity, load, splits, splitting, verify
from nas.data.report import data_report
from nas.data.shared import SharedImages
from nas.data.sources import Digits, Source, Splitting
from nas.defaults.conf import default
from nas.evaluators.base import Evaluator
from nas.evaluators.identity import kind_of, plain
from nas.evaluators.slimming import Slimming
from search_spaces.arch import Arch
from search_spaces.errors import UserError, told_under


@dataclass(frozen=True, kw_only=True)
class SlimEvaluator(Evaluator):
    """Runs architectures scaled down, by the same rule that scales up, on images to match."""

    data: Source = field(default_factory=Digits)
    width: float = default("evaluator/zero_cost", "width")
    """Channels of the slim network over those of the architecture."""
    depth: float = default("evaluator/zero_cost", "depth")
    """Layers of the slim network over those of the architecture."""
    resolution: int = default("evaluator/zero_cost", "resolution")
    """Pixels a side that stand for `base_resolution`."""
    base_resolution: int = default("evaluator/zero_cost", "base_resolution")
    """An architecture of r pixels runs at resolution · r / base_resolution."""
    divisor: int = default("evaluator/zero_cost", "divisor")
    """Channels of the slim network round to its multiples: the coarser, the more architectures
    share one."""
    shared: SharedImages | None = field(default=None, repr=False, compare=False)
    """Images of `data` that another process read."""

    def __post_init__(self) -> None:
        _ = self.slimming  # which refuses what is impossible

    @property
    def slimming(self) -> Slimming:
        """How it makes networks slim."""
        return Slimming(
            width=self.width,
            depth=self.depth,
            resolution=self.resolution,
            base_resolution=self.base_resolution,
            divisor=self.divisor,
        )

    def slim(self, arch: Arch) -> Arch:
        """`arch` scaled down, for images of three channels."""
        with told_under("evaluator: "):
            return self.slimming.slim(arch)

    def check(self, arch: Arch) -> None:
        """Raise UserError where `arch` cannot be made slim: too few pixels for its strides."""
        self.slim(arch)

    def data_key(self, arch: Arch) -> int | None:
        """Give the resolution it runs at; None where the images do not fit in memory."""
        resolution = self._resolution(arch)
        return resolution if fits(self.data, resolution) else None

    def load_data(self, key: Hashable) -> SharedImages:
        """Read the images at a resolution. Raises UserError for data that cannot be used."""
        if not isinstance(key, int):
            raise TypeError(f"expected pixels a side, got {key!r}")
        return SharedImages.of(load(self.data, key))

    def with_data(self, data: SharedImages) -> Self:
        """Give the same with the images of one resolution at hand."""
        return replace(self, shared=data)

    def data_summary(self) -> str:
        """Say how many images, classes and sizes there are, and how they are split."""
        return data_report(splits(self.data), verify(self.data, self.resolution), self._folds)

    def class_names(self) -> tuple[str, ...]:
        """Name the data's classes. Raises UserError for data that cannot be used."""
        return splits(self.data).classes

    def identity(self) -> Mapping[str, object]:
        """Give all that accuracies depend on; of the data what they are, not where they lie.

        Raises UserError for data that cannot be used.
        """
        names = [each.name for each in fields(self) if each.name not in ("data", "shared")]
        settings = {name: plain(getattr(self, name)) for name in names}
        return {
            "kind": kind_of(self),
            **settings,
            "data": {**splitting(self.data), **identity(self.data)},
        }

    def _resolution(self, arch: Arch) -> int:
        return self.slimming.pixels(arch)

    def _num_classes(self) -> int:
        return self.shared.num_classes if self.shared else len(splits(self.data).classes)

    def _about_data(self) -> dict[str, str | int | float]:
        """Describe the images that accuracies are of."""
        data = self._dataset(self.resolution)
        return {
            "dataset": self.data.name,
            "data digest": identity(self.data)["digest"],
            "training images": len(data.train),
            "validation images": len(data.val),
            "classes": data.num_classes,
        }

    def _dataset(self, resolution: int, seed: int = 0) -> Dataset:
        """Give the images that a training of that seed trains and validates on."""
        if self.shared is not None and self.shared.resolution == resolution:
            data = self.shared.dataset()
        else:
            data = load(self.data, resolution)
        return fold(data, seed, self._folds) if self._folds > 1 else data

    @property
    def _folds(self) -> int:
        return self.data.folds if isinstance(self.data, Splitting) else 1

    def _check_least(self, *names: str, least: int = 1) -> None:
        for name in names:
            if getattr(self, name) < least:
                raise UserError(f"{name}: expected at least {least}, got {getattr(self, name)}")
