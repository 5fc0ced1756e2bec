"""What trained networks see on images: a sheet of class activation maps."""

from collections.abc import Sequence

import torch
from PIL import Image

from nas.data.images import rgb
from nas.data.names import shown, some
from nas.explain.activation_maps import activation_maps
from nas.explain.overlay import overlaid
from nas.explain.sheet import SIDE, Cell
from nas.training.classifier import ImageClassifier
from search_spaces.errors import UserError


def upright(image: Image.Image, classifiers: Sequence[ImageClassifier]) -> Image.Image:
    """An opened image in 8-bit RGB, in the detail that every network and the sheet need.

    Raises whatever a decoder raises for a damaged image.
    """
    return rgb(image, max(SIDE, *(each.transform.detail for each in classifiers)))[0]


def explained(
    image: Image.Image, classifier: ImageClassifier, class_name: str | None = None
) -> Cell:
    """The part of an upright RGB image that a network sees, under the map of a class.

    Below it stand the most likely class and its probability; and the class that the map is of
    where that was asked for. Raises UserError for a class that the network does not know.
    """
    asked = None if class_name is None else torch.tensor([class_index(classifier, class_name)])
    pixels = classifier.prepare(image)[None]
    found = activation_maps(classifier.network, classifier.normalised(pixels), asked)
    probabilities = found.logits[0].float().softmax(0)
    likely = int(probabilities.argmax())
    lines = [f"{shown(classifier.classes[likely])} {probabilities[likely]:.3f}"]
    if asked is not None:
        probability = float(probabilities[asked[0]])
        lines.append(f"map of {shown(class_name)} {probability:.3f}")
    box = classifier.transform.box(image.size)
    seen = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box)
    return Cell(overlaid(seen, found.maps[0]), tuple(lines))


def class_index(classifier: ImageClassifier, class_name: str) -> int:
    """The place of a class among the network's. Raises UserError where it has none."""
    if class_name not in classifier.classes:
        raise UserError(
            f"class: {classifier.name} does not know {shown(class_name)}; it knows "
            f"{some(classifier.classes, 5)}"
        )
    return classifier.classes.index(class_name)
