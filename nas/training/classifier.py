"""A trained network with all that it takes to name what is on an image."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from nas.data.images import rgb
from nas.data.names import counted
from nas.networks.model import Network
from nas.networks.trained import Card, load_trained
from nas.training.augment import normalise
from nas.training.transforms import EvalTransform
from search_spaces.errors import UserError

IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Each channel's, over images from 0 to 255, that published weights were trained with."""
_CHANNELS = 3
_NO_DRAWS = np.random.default_rng(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageClassifier:
    """A network for inference, the names of its classes, and how images are made ready for it."""

    name: str
    network: Network
    classes: tuple[str, ...]
    mean: Tensor
    """The mean of each channel over images from 0 to 255, [3], on the device; `std` likewise."""
    std: Tensor
    transform: EvalTransform
    card: Card | None = None
    """What the weights say of themselves; None where they say nothing."""

    @classmethod
    def load(cls, weights: str | Path, device: torch.device) -> Self:
        """The network that a training left: its folder, its file of weights, or one on the hub.

        Raises UserError as `load_trained` does.
        """
        network, card = load_trained(weights)
        made = cls.of(network, card.classes, card.mean, card.std, card.crop_pct, device)
        return replace(made, name=_name(weights, card), card=card)

    @classmethod
    def of(
        cls,
        network: Network,
        classes: tuple[str, ...],
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        crop_pct: float,
        device: torch.device,
    ) -> Self:
        """A network at its own resolution. Raises UserError for one of other than RGB images."""
        arch = network.arch
        if arch.in_channels != _CHANNELS:
            raise UserError(
                f"{arch.name} is for images of {counted(arch.in_channels, 'channel')}; "
                f"images are read in {_CHANNELS}: red, green and blue"
            )
        return cls(
            name=arch.name,
            network=network.eval().to(device, memory_format=torch.channels_last),  # type: ignore[call-overload]
            classes=classes,
            mean=torch.tensor(mean, device=device),
            std=torch.tensor(std, device=device),
            transform=EvalTransform(side=arch.resolution, crop_pct=crop_pct),
        )

    def seeing(self, resolution: int | None, crop_pct: float | None) -> Self:
        """The same network with images of another resolution, or another part of them; None keeps.

        Raises UserError for impossible values, and for a resolution of which nothing is left.
        """
        if resolution is not None:
            try:
                self.network.arch.replace(resolution=resolution)
            except UserError as error:
                raise error.under(f"resolution: {resolution} px: ") from None
        if crop_pct is not None and not 0 < crop_pct <= 1:
            raise UserError(f"crop_pct: expected a number above 0, at most 1, got {crop_pct}")
        seen = EvalTransform(
            side=resolution or self.transform.side, crop_pct=crop_pct or self.transform.crop_pct
        )
        return replace(self, transform=seen)

    def prepare(self, image: Image.Image) -> Tensor:
        """What the network sees of an image that was opened: uint8, [side, side, 3].

        Raises OSError, ValueError or whatever else a decoder raises for a damaged image.
        """
        upright, _ = rgb(image, self.transform.detail)
        return torch.from_numpy(self.transform(upright, _NO_DRAWS).copy())

    def normalised(self, pixels: Tensor) -> Tensor:
        """The network's input, float32 [n, 3, side, side], from uint8 [n, side, side, 3]."""
        return normalise(pixels.to(self.mean.device), self.mean, self.std)

    def probabilities(self, pixels: Tensor) -> Tensor:
        """The probability of each class, [n, classes], for uint8 [n, side, side, 3]; on the CPU."""
        with torch.inference_mode():
            logits: Tensor = self.network(self.normalised(pixels))
        return logits.float().softmax(1).cpu()


def _name(weights: str | Path, card: Card) -> str:
    """What to call a trained network: its folder where a training named that, else its own name."""
    path = Path(weights)
    return Path(os.path.abspath(path)).name if path.is_dir() else card.arch.name
