"""What is done to one decoded image before a network sees it, in training and in validation."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from nas.data.dataset import square
from nas.training.image_ops import brightness, color, contrast
from nas.training.policies import PolicyName, make_policy

_RATIOS = (3 / 4, 4 / 3)
"""Width to height of a random crop, at least and at most"""
_ATTEMPTS = 10
"""Crops that are drawn until one lies within the image"""

Edges = tuple[int, int, int, int]
"""Left, upper, right and lower edge of a part of an image, in pixels"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainTransform:
    """A random crop of an 8-bit RGB image at `side` pixels, mirrored and changed at random.

    What is drawn is a function of `rng` and the image's size alone.
    """

    side: int
    mirror: bool
    """Mirror half of the images."""
    crop_scale: float
    """The least area of a crop, a fraction of the image's. At 1 it is the largest centred square,
    which suits images not much larger than `side`, with `shift`."""
    shift: float
    """Move the crop by up to this fraction of its side, along each axis; edges are repeated."""
    policy: PolicyName
    magnitude: float
    """The strength of RandAugment, from 0 to 10"""
    colour_jitter: float
    """Brightness, contrast and colour change by factors of up to 1 ± this, in a random order."""

    @property
    def detail(self) -> int:
        """Half of the pixels that the shortest side of a decoded image has to have."""
        return self.side

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
        """The transformed image, [side, side, 3]."""
        if self.crop_scale < 1:
            box = random_crop(image.size, self.crop_scale, rng)
            pixels = _resized(image.crop(box), self.side)
        else:
            pixels = np.array(square(image, self.side))
        if self.shift:
            pixels = _shifted(pixels, self.shift, rng)
        if self.mirror and rng.random() < 0.5:
            # NumPy takes ten times as long to mirror an image.
            pixels = torch.from_numpy(pixels).flip(1).numpy()
        return self._recoloured(pixels, rng)

    def _recoloured(self, pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        policy = make_policy(self.policy, self.magnitude)
        if policy is None and not self.colour_jitter:
            return pixels
        image = Image.fromarray(pixels)
        if policy is not None:
            image = policy(image, rng)
        if self.colour_jitter:
            image = _jittered(image, self.colour_jitter, rng)
        return np.asarray(image)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalTransform:
    """The centre of an 8-bit RGB image at `side` pixels, as timm's validation takes it.

    The shortest side is resized to ⌊side / crop_pct⌋ by an antialiased bicubic filter, and the
    central square of `side` pixels cut out.
    """

    side: int
    crop_pct: float

    @property
    def detail(self) -> int:
        """Half of the pixels that the shortest side of a decoded image has to have."""
        return self._shortest()

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
        """The transformed image, [side, side, 3]; nothing is drawn."""
        box = self.box(image.size)
        return np.asarray(image.resize((self.side, self.side), Image.Resampling.BICUBIC, box))

    def box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Edges of the part of an image of `size`, width and height, that is seen."""
        shortest = self._shortest()
        resized = tuple(int(shortest * length / min(size)) for length in size)
        left, upper = (round((length - self.side) / 2) for length in resized)
        across, down = size[0] / resized[0], size[1] / resized[1]
        return (
            left * across,
            upper * down,
            (left + self.side) * across,
            (upper + self.side) * down,
        )

    def _shortest(self) -> int:
        # The margin is for quotients such as 288 / 0.9, which lie a hair below a whole number.
        return max(self.side, math.floor(self.side / self.crop_pct + 1e-6))


def random_crop(size: tuple[int, int], scale: float, rng: np.random.Generator) -> Edges:
    """A random part of an image of `size`, width and height (arXiv 1409.4842, §6).

    Its area is uniform between `scale` and all of the image, its ratio of width to height between
    3/4 and 4/3, uniform in its logarithm. Where ten of those do not fit, it is the largest centred
    part of such a ratio.
    """
    width, height = size
    low, high = _RATIOS
    for _ in range(_ATTEMPTS):
        area = width * height * rng.uniform(scale, 1)
        ratio = math.exp(rng.uniform(math.log(low), math.log(high)))
        across, down = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < across <= width and 0 < down <= height:
            left = int(rng.integers(width - across + 1))
            upper = int(rng.integers(height - down + 1))
            return (left, upper, left + across, upper + down)
    across = min(width, max(1, round(height * high)))
    down = min(height, max(1, round(width / low)))
    left, upper = (width - across) // 2, (height - down) // 2
    return (left, upper, left + across, upper + down)


def _resized(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """The image at `side` pixels by an antialiased bicubic filter.

    It is Pillow's filter, to a step of rounding, and takes torch half the time.
    """
    pixels = torch.from_numpy(np.array(image))[None].permute(0, 3, 1, 2)
    resized = F.interpolate(pixels, (side, side), mode="bicubic", antialias=True)
    found: NDArray[np.uint8] = resized[0].permute(1, 2, 0).numpy()
    return found


def _shifted(
    pixels: NDArray[np.uint8], shift: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    side = len(pixels)
    reach = round(shift * side)
    down, across = rng.integers(-reach, reach + 1, 2)
    rows = (np.arange(side) + down).clip(0, side - 1)
    columns = (np.arange(side) + across).clip(0, side - 1)
    moved: NDArray[np.uint8] = pixels[rows[:, None], columns]
    return moved


def _jittered(image: Image.Image, jitter: float, rng: np.random.Generator) -> Image.Image:
    operations = (brightness, contrast, color)
    for chosen in rng.permutation(len(operations)):
        image = operations[chosen](image, rng.uniform(max(0.0, 1 - jitter), 1 + jitter))
    return image
