"""Pictures, and folders and tables of them, small enough for tests."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def picture(seed: int, width: int = 20, height: int = 30) -> Image.Image:
    """Noise, another for each seed."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(seed: int) -> bytes:
    """The same as a PNG."""
    buffer = io.BytesIO()
    picture(seed).save(buffer, "png")
    return buffer.getvalue()


def image_folder(root: Path, classes: dict[str, int]) -> Path:
    """A folder with so many pictures in a folder for each class; names may lead further down."""
    for name, count in classes.items():
        (root / name).mkdir(parents=True)
        for index in range(count):
            (root / name / f"{index}.png").write_bytes(encoded(index))
    return root


def parquet(path: Path, images: int = 20, **columns: list[object]) -> Path:
    """A table of pictures of two classes, other columns beside or instead."""
    rows = {"image": [encoded(i) for i in range(images)], "label": [i % 2 for i in range(images)]}
    pd.DataFrame(rows | columns).to_parquet(path)
    return path
