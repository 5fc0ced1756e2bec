"""What a folder of images is opened as, or refused with."""

from pathlib import Path

import pytest

from nas.data.folders import ImageFolder
from nas.data.sources import Splits
from search_spaces.errors import UserError


def opened(root: Path) -> Splits:
    return ImageFolder(name="x", path=str(root)).open()


def counts(root: Path) -> tuple[int, int, int]:
    """Images of the data's own training, validation and test splits; 0 for those it lacks."""
    own = opened(root).own
    train, val, test = (
        len(own[split]) if split in own else 0 for split in ("train", "val", "test")
    )
    return train, val, test


def refusal(root: Path) -> str:
    with pytest.raises(UserError) as caught:
        opened(root)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert "data.path" in message
    return message
