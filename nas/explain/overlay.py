"""A map as colours over the image that it is of."""

import numpy as np
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

_COLOURS = np.array(
    [
        *((48, 18, 59), (70, 107, 227), (40, 187, 236), (49, 242, 153)),
        *((162, 252, 60), (237, 208, 58), (251, 128, 34), (210, 49, 5), (122, 4, 3)),
    ],
    np.float64,
)
"""From none to most: the Turbo colours, which are of even steps to the eye"""
_OPACITY = 0.65
"""The opacity of the colour where the map is highest"""


def heat(of: Tensor, side: int) -> Tensor:
    """A map, [height, width], as heat from 0 to 1 over `side` × `side` pixels, bilinearly.

    What speaks against the class is 0, as Grad-CAM has it; the highest place is 1.
    """
    for_it = of.float().relu()
    highest = for_it.max()
    if highest > 0:
        for_it = for_it / highest
    return F.interpolate(for_it[None, None], (side, side), mode="bilinear")[0, 0]


def overlaid(image: Image.Image, of: Tensor) -> Image.Image:
    """A square RGB image with a map of it over it, the more opaque the hotter."""
    heats = heat(of, image.width).cpu().numpy().astype(np.float64)
    places = np.linspace(0, 1, len(_COLOURS))
    colours = np.stack([np.interp(heats, places, channel) for channel in _COLOURS.T], axis=2)
    opacity = _OPACITY * heats[..., None]
    mixed = opacity * colours + (1 - opacity) * np.asarray(image, np.float64)
    return Image.fromarray(mixed.round().astype(np.uint8))
