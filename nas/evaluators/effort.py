"""How much computing an evaluator takes, told beforehand by timing one step."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from nas.networks.model import build
from nas.training.devices import device_named
from nas.training.threads import threads
from search_spaces.arch import Arch

_BATCH = 32
"""Images of the step that is timed: with more, an image takes hardly less."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """Core-seconds an image of one network."""

    train: float
    """What a training step takes: forward, and backward."""
    forward: float


def timed_step(slim: Arch, device: str) -> StepTime | None:
    """Time one step of a network on the CPU, in processor time; None on another device.

    The images are noise, which takes as long. The first step, which makes ready what later ones
    use again, does not count.
    """
    if device_named(device, "evaluator.device").type != "cpu":
        return None
    side = slim.resolution
    labels = torch.arange(_BATCH) % slim.num_classes
    with torch.random.fork_rng(devices=[]), threads(1):
        noise = torch.rand(_BATCH, slim.in_channels, side, side)
        images = noise.to(memory_format=torch.channels_last)
        model = build(slim).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

        def train() -> None:
            loss = F.cross_entropy(model.train()(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]

        def forward() -> None:
            with torch.inference_mode():
                model.eval()(images)

        return StepTime(*(_timed(each) / _BATCH for each in (train, forward)))


def timed(call: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def _timed(call: Callable[[], object]) -> float:
    call()
    return timed(call)
