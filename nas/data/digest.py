"""A digest that tells data from other data, whatever their name and wherever they lie."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from nas.data.sources import Split

_SAMPLE = 4096
"""Images of a split whose contents count; of the others the sizes alone do."""


def digest(classes: Sequence[str], splits: Mapping[str, Split]) -> str:
    """16 hexadecimal digits, from names of classes, labels, sizes of images and some contents.

    The order of the images counts, because they are split by it; their names do not.
    """
    found = hashlib.sha256("\0".join(classes).encode("utf-8", "surrogatepass"))
    for name in sorted(splits):
        split = splits[name]
        found.update(f"\0\0{name} {len(split)}".encode())
        found.update(split.labels.astype("<i8").tobytes())
        if split.stored is not None:
            found.update(split.stored.sizes(split.positions).astype("<i8").tobytes())
        for position in split.positions[_evenly(len(split))]:
            found.update(_content(split, int(position)))
    return found.hexdigest()[:16]


def _evenly(count: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64)


def _content(split: Split, position: int) -> bytes:
    if split.stored is not None:
        return split.stored.content(position)
    image = split.read(position)
    return f"{image.mode} {image.size}".encode() + image.tobytes()
