"""What a network answers to labelled images, an entry an image: all that its metrics need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from nas.data.loader import Batch
from nas.training.augment import normalise
from nas.training.update import autocast

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answers:
    """A network's answers to n labelled images, in their order."""

    labels: Integers
    """The class that each image is of; (n,), as all others."""
    predicted: Integers
    """The class with the highest logit."""
    confidence: Floats
    """The probability of that class."""
    loss: Floats
    """The cross-entropy: minus the logarithm of the probability of the right class."""
    before: Integers
    """How many classes are held more likely than the right one: below k, it is among the top k."""

    def __len__(self) -> int:
        return len(self.labels)

    def right(self, top: int = 1) -> int:
        """How many images have their class among the `top` most likely ones."""
        return int((self.before < top).sum())


_INTEGERS, _FLOATS = np.empty(0, np.int64), np.empty(0, np.float64)
_NONE = Answers(_INTEGERS, _INTEGERS, _FLOATS, _FLOATS, _INTEGERS)


def together(parts: Sequence[Answers]) -> Answers:
    """The answers to the images of all parts, of which there is at least one."""
    return Answers(
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.confidence for part in parts]),
        np.concatenate([part.loss for part in parts]),
        np.concatenate([part.before for part in parts]),
    )


def answers(
    model: nn.Module,
    batches: Iterable[Batch],
    mean: Tensor,
    std: Tensor,
    *,
    mixed_precision: bool = False,
) -> Answers:
    """What a model answers to the images of `batches`, on the device that `mean` and `std` are on.

    These are of each channel, over images from 0 to 255; [3]. The model is left in inference mode.
    With `mixed_precision`, CUDA computes in bfloat16. Of equal logits the first counts as higher;
    where a logit is NaN, the answer is wrong and its loss NaN.
    """
    device = mean.device
    model.eval()
    # Results stay on the device until the end: each one fetched would wait for it.
    found: list[tuple[Tensor, ...]] = []
    with torch.inference_mode(), autocast(mixed_precision, device):
        for batch in batches:
            pixels = batch.pixels.to(device, non_blocking=True)
            labels = batch.labels.to(device, non_blocking=True)
            found.append((labels, *_judged(model(normalise(pixels, mean, std)).float(), labels)))
    if not found:  # a process may have no part in fewer images than there are processes
        return _NONE
    columns = (torch.cat(column).cpu() for column in zip(*found, strict=True))
    labels, predicted, confidence, loss, before = columns
    return Answers(
        labels.numpy(),
        predicted.numpy(),
        confidence.double().numpy(),
        loss.double().numpy(),
        before.numpy(),
    )


def _judged(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Predicted class, its probability, loss, and how many classes come before the right one."""
    of_right = logits.gather(1, labels[:, None])
    classes = torch.arange(logits.shape[1], device=logits.device)
    ahead = ~(logits <= of_right) | ((logits == of_right) & (classes < labels[:, None]))
    before = ahead.sum(1)
    predicted = torch.where(before == 0, labels, logits.argmax(1))
    confidence = logits.softmax(1).gather(1, predicted[:, None])[:, 0]
    return predicted, confidence, F.cross_entropy(logits, labels, reduction="none"), before
