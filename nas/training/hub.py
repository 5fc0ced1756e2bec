"""Data sets of the Hugging Face hub."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import datasets
import huggingface_hub
from huggingface_hub import constants

from nas.training.tables import Table, reason_of
from search_spaces.errors import UserError

_PATIENCE = 5.0
"""Seconds that the hub may take to answer at all."""


@dataclass(frozen=True, kw_only=True)
class HuggingFace(Table):
    """Any image classification data set of the Hugging Face hub by name, or a local copy's path."""

    config: str | None = None
    """Which of the data set's configurations, where it has several."""
    revision: str | None = None

    def rows(self) -> Mapping[str, datasets.Dataset]:
        if os.path.exists(self.path):
            return self._load()
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

    def _load(self) -> Mapping[str, datasets.Dataset]:
        return dict(datasets.load_dataset(self.path, self.config, revision=self.revision))


def unreachable() -> str:
    """Why the hub does not answer; empty where it does. The library itself would ask again and
    again for most of a minute."""
    try:
        huggingface_hub.get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
    except Exception as error:  # the client's own, of whichever library it is built on
        return reason_of(error)
    return ""


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """With what was downloaded before, and without the network."""
    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before
