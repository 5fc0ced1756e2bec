"""What trained networks name on images that nobody has labelled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nas.data.images import open_image, quiet
from nas.data.names import shown
from nas.training.classifier import ImageClassifier


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most likely classes of one image; none where it could not be decoded."""

    path: str
    ranked: tuple[tuple[str, float], ...]
    """Names of classes and their probabilities, the most likely first."""
    error: str = ""
    """Why there are none."""


def predictions(
    classifier: ImageClassifier,
    paths: Sequence[str],
    *,
    top: int,
    batch_size: int,
    megapixels: float,
) -> Iterator[Prediction]:
    """The `top` most likely classes of the image in each file, in the order of the files.

    Images of more `megapixels` are not decoded.
    """
    for start in range(0, len(paths), batch_size):
        several = paths[start : start + batch_size]
        with quiet():
            read = [_read(classifier, path, megapixels) for path in several]
        seen = [pixels for pixels in read if isinstance(pixels, Tensor)]
        ranked = iter(_ranked(classifier, torch.stack(seen), top) if seen else [])
        for path, pixels in zip(several, read, strict=True):
            if isinstance(pixels, str):
                yield Prediction(path, (), pixels)
                continue
            found = next(ranked)
            error = "" if found else "the network's logits for it are no finite numbers"
            yield Prediction(path, found, error)


def _read(classifier: ImageClassifier, path: str, megapixels: float) -> Tensor | str:
    """What the network sees of an image, or why it sees nothing."""
    try:
        return classifier.prepare(open_image(Path(path), megapixels, "megapixels"))
    except Exception as error:  # decoders raise anything for files that are damaged
        return f"cannot be decoded: {shown(error) or type(error).__name__}"


def _ranked(
    classifier: ImageClassifier, pixels: Tensor, top: int
) -> Iterator[tuple[tuple[str, float], ...]]:
    probabilities = classifier.probabilities(pixels)
    values, indices = probabilities.sort(dim=1, descending=True, stable=True)
    for row, places in zip(values[:, :top].tolist(), indices[:, :top].tolist(), strict=True):
        finite = all(value == value for value in row)
        names = [classifier.classes[place] for place in places]
        yield tuple(zip(names, row, strict=True)) if finite else ()
