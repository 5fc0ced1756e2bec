"""Folders as trainings leave them, of networks small enough for tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from nas.networks.model import Network, build
from nas.networks.trained import WEIGHTS, Card, save_trained
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.stage import Stage

DIGITS = tuple(str(digit) for digit in range(10))


def tiny(classes: int, head: Head | None = None, side: int = 16) -> Arch:
    """A network of a few thousand parameters."""
    return Arch(
        resolution=side,
        num_classes=classes,
        stem=Stem(channels=8),
        stages=(Stage(channels=8, se=0.25), Stage(stride=2, expand=2, channels=12)),
        head=Head(channels=24) if head is None else head,
        name="tiny",
    )


def telling(arch: Arch, seed: int = 0) -> Network:
    """A network with other weights and statistics than those it begins with: no two classes of
    images look alike to it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build(arch)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 1.5)
        torch.nn.init.normal_(model.classifier.weight)
        torch.nn.init.normal_(model.classifier.bias)
    return model.eval()


def card(arch: Arch, classes: Sequence[str], **fields: Any) -> Card:
    """What a training of three epochs says of it."""
    plain: dict[str, Any] = {
        "arch": arch,
        "classes": tuple(classes),
        "mean": (120.0, 115.5, 100.0),
        "std": (60.0, 61.0, 62.5),
        "crop_pct": 0.875,
        "recipe": {"epochs": 3},
        "data": {"name": "digits", "digest": "00ff"},
        "epochs": 3,
        "best_epoch": 3,
        "seed": 0,
        "metric": "accuracy",
        "minival": None,
        "test": None,
    }
    return Card(**(plain | fields))


def trained_folder(
    folder: Path,
    classes: Sequence[str] = DIGITS,
    *,
    head: Head | None = None,
    side: int = 16,
    seed: int = 0,
    **fields: Any,
) -> Network:
    """The folder of a network that tells these classes apart, badly; gives the network."""
    folder.mkdir(parents=True)
    model = telling(tiny(len(classes), head, side), seed)
    save_trained(model, card(model.arch, classes, **fields), folder / WEIGHTS)
    return model
