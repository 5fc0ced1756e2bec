"""Data sets of the Hugging Face hub."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import datasets
from huggingface_hub import constants

from nas.data.image_rows import ImageRows
from nas.data.names import shown, split_of
from nas.defaults.conf import default
from nas.networks.hub import unreachable
from search_spaces.errors import UserError


@dataclass(frozen=True, kw_only=True)
class HuggingFace(ImageRows):
    """An image classification data set of the Hugging Face hub, by name or the path of a copy."""

    config: str | None = default("data/huggingface", "config")
    """One of the data set's configurations, where it has several"""
    revision: str | None = default("data/huggingface", "revision")

    def rows(self) -> Mapping[str, datasets.Dataset]:
        if os.path.exists(self.path):
            tables = self._load()
            self._check_found(tables)
            return tables
        refusal = "" if constants.HF_HUB_OFFLINE else unreachable()
        if not refusal:
            return self._load()
        with _offline():
            try:
                return self._load()
            except (OSError, ValueError) as error:
                raise UserError(
                    f"data.path: cannot read {self.path}: {constants.ENDPOINT} cannot be reached "
                    f"({refusal}), and there is no copy of what was downloaded before"
                ) from error

    def folders(self) -> tuple[Path, ...]:
        own = (Path(self.path),) if os.path.exists(self.path) else ()
        return (*own, Path(datasets.config.HF_CACHE_HOME), Path(constants.HF_HUB_CACHE))

    def _check_found(self, tables: Mapping[str, datasets.Dataset]) -> None:
        """Raises UserError where the library took other splits of a folder for training images."""
        named = splits_named_in(self.path)
        if set(tables) == {"train"} and len(named) > 1:
            raise UserError(
                f"data.path: {shown(self.path)} has folders or files named after "
                f"{', '.join(sorted(named))}, and the `datasets` library takes them all for train; "
                "data=imagefolder and data=parquet read such folders"
            )

    def _load(self) -> Mapping[str, datasets.Dataset]:
        return dict(datasets.load_dataset(self.path, self.config, revision=self.revision))


def splits_named_in(root: str) -> set[str]:
    """The splits that folders and files below `root` are named after."""
    found: set[str] = set()
    for _, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        stems = [os.path.splitext(name)[0] for name in files if not name.startswith(".")]
        found |= {split for name in (*folders, *stems) if (split := split_of(name))}
    return found


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Inside, the library uses what it has downloaded before, and not the network."""
    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before
