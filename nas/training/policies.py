"""Policies of augmentation: AutoAugment's for ImageNet and CIFAR-10, and RandAugment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from nas.training.image_ops import OPERATIONS

PolicyName = Literal["none", "autoaugment", "autoaugment_cifar", "randaugment"]
POLICIES: tuple[PolicyName, ...] = ("none", "autoaugment", "autoaugment_cifar", "randaugment")

MOST = 10.0
"""The level, or magnitude, at which an operation reaches the end of its range"""
_TRANSLATION = 150 / 331
"""The farthest translation, a fraction of the side: 150 pixels of AutoAugment's images of 331"""


class Policy(Protocol):
    """A random change of an 8-bit RGB image to another of the same size."""

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> Image.Image: ...


@dataclass(frozen=True, slots=True)
class Step:
    """An operation, the chance that it is done, and its level from 0 to 10."""

    operation: str
    chance: float
    level: float


SubPolicy = tuple[Step, Step]
"""Two steps, done one after the other"""


@dataclass(frozen=True, slots=True)
class AutoAugment:
    """One of the sub-policies, drawn for each image (arXiv 1805.09501)."""

    sub_policies: tuple[SubPolicy, ...]

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        for step in self.sub_policies[rng.integers(len(self.sub_policies))]:
            done, sign = rng.random() < step.chance, _sign(rng)
            if done:
                amount = autoaugment_amount(step.operation, step.level, sign)
                image = OPERATIONS[step.operation](image, amount)
        return image


@dataclass(frozen=True, slots=True)
class RandAugment:
    """`layers` operations of the same magnitude, drawn for each image (arXiv 1909.13719)."""

    magnitude: float
    """From 0 to 10, the strongest"""
    layers: int = 2

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        for _ in range(self.layers):
            operation = RANDAUGMENT[rng.integers(len(RANDAUGMENT))]
            amount = randaugment_amount(operation, self.magnitude, _sign(rng))
            image = OPERATIONS[operation](image, amount)
        return image


def make_policy(name: PolicyName, magnitude: float) -> Policy | None:
    """Make the policy of that name, or None for "none"; RandAugment alone has a magnitude."""
    if name == "randaugment":
        return RandAugment(magnitude)
    return AutoAugment(_NAMED[name]) if name in _NAMED else None


def autoaugment_amount(operation: str, level: float, sign: int) -> float:
    """The amount of an operation at a level, of which 10 is the end of AutoAugment's range.

    Operations that move pixels do so in the direction of `sign`. A higher level keeps more bits in
    posterize, inverts less in solarize, and goes from less colour to more: that is Table 6.
    """
    share = level / MOST
    if operation in _MOVES:
        return sign * _MOVES[operation] * share
    return _in_range(operation, share)


def randaugment_amount(operation: str, magnitude: float, sign: int) -> float:
    """The amount of an operation that is as strong as `magnitude` says, from 0 to 10.

    It is in AutoAugment's range. Operations that move pixels, or that may strengthen or weaken
    colours, do so in the direction of `sign`; at 0 none changes anything.
    """
    share = magnitude / MOST
    if operation in _MOVES:
        return sign * _MOVES[operation] * share
    if operation in _FACTORS:
        return 1 + sign * 0.9 * share
    return _in_range(operation, 1 - share)


def _sign(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else -1


_MOVES: Mapping[str, float] = {
    "shear_x": 0.3,
    "shear_y": 0.3,
    "translate_x": _TRANSLATION,
    "translate_y": _TRANSLATION,
    "rotate": 30.0,
}
"""The farthest that operations move pixels, to either side"""
_FACTORS = frozenset({"color", "contrast", "brightness", "sharpness"})


def _in_range(operation: str, share: float) -> float:
    """The amount at a share of an operation's range in AutoAugment's Table 6; 0 without one."""
    if operation in _FACTORS:
        return 0.1 + 1.8 * share
    if operation == "posterize":
        return 4 + 4 * share
    return 256 * share if operation == "solarize" else 0.0


def _table(text: str) -> tuple[SubPolicy, ...]:
    return tuple(_sub_policy(line) for line in text.strip().splitlines())


def _sub_policy(line: str) -> SubPolicy:
    first, second = line.split(",")
    return _step(first), _step(second)


def _step(text: str) -> Step:
    operation, chance, level = text.split()
    return Step(operation, float(chance), float(level))


IMAGENET = _table("""
    posterize     0.4 8, rotate       0.6 9
    solarize      0.6 5, autocontrast 0.6 5
    equalize      0.8 8, equalize     0.6 3
    posterize     0.6 7, posterize    0.6 6
    equalize      0.4 7, solarize     0.2 4
    equalize      0.4 4, rotate       0.8 8
    solarize      0.6 3, equalize     0.6 7
    posterize     0.8 5, equalize     1.0 2
    rotate        0.2 3, solarize     0.6 8
    equalize      0.6 8, posterize    0.4 6
    rotate        0.8 8, color        0.4 0
    rotate        0.4 9, equalize     0.6 2
    equalize      0.0 7, equalize     0.8 8
    invert        0.6 4, equalize     1.0 8
    color         0.6 4, contrast     1.0 8
    rotate        0.8 8, color        1.0 2
    color         0.8 8, solarize     0.8 7
    sharpness     0.4 7, invert       0.6 8
    shear_x       0.6 5, equalize     1.0 9
    color         0.4 0, equalize     0.6 3
    equalize      0.4 7, solarize     0.2 4
    solarize      0.6 5, autocontrast 0.6 5
    invert        0.6 4, equalize     1.0 8
    color         0.6 4, contrast     1.0 8
    equalize      0.8 8, equalize     0.6 3
""")
"""AutoAugment's policy for ImageNet: the chance and the level of each step (Table 9)"""

CIFAR = _table("""
    invert        0.1 7, contrast     0.2 6
    rotate        0.7 2, translate_x  0.3 9
    sharpness     0.8 1, sharpness    0.9 3
    shear_y       0.5 8, translate_y  0.7 9
    autocontrast  0.5 8, equalize     0.9 2
    shear_y       0.2 7, posterize    0.3 7
    color         0.4 3, brightness   0.6 7
    sharpness     0.3 9, brightness   0.7 9
    equalize      0.6 5, equalize     0.5 1
    contrast      0.6 7, sharpness    0.6 5
    color         0.7 7, translate_x  0.5 8
    equalize      0.3 7, autocontrast 0.4 8
    translate_y   0.4 3, sharpness    0.2 6
    brightness    0.9 6, color        0.2 8
    solarize      0.5 2, invert       0.0 3
    equalize      0.2 0, autocontrast 0.6 0
    equalize      0.2 8, equalize     0.6 4
    color         0.9 9, equalize     0.6 6
    autocontrast  0.8 4, solarize     0.2 8
    brightness    0.1 3, color        0.7 0
    solarize      0.4 5, autocontrast 0.9 3
    translate_y   0.9 9, translate_y  0.7 9
    autocontrast  0.9 2, solarize     0.8 3
    equalize      0.8 8, invert       0.1 3
    translate_y   0.7 9, autocontrast 0.9 1
""")
"""The same for CIFAR-10 (Table 7)"""

_NAMED: Mapping[str, tuple[SubPolicy, ...]] = {"autoaugment": IMAGENET, "autoaugment_cifar": CIFAR}

RANDAUGMENT = (
    *("identity", "autocontrast", "equalize", "rotate", "solarize", "color", "posterize"),
    *("contrast", "brightness", "sharpness", "shear_x", "shear_y", "translate_x", "translate_y"),
)
"""The operations that RandAugment draws from"""
