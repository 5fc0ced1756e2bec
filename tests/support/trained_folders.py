"""Folders as trainings leave them, of networks small enough for tests."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cards import worth
from nas.networks.model import Network, build
from nas.networks.trained import WEIGHTS, Card, save_trained
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.stage import Stage
from search_spaces.yaml_io import write_arch

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


def write_trained(run: Path, name: str = "b0", **fields: Any) -> Path:
    """The folder of a training of three epochs, the second of which was kept."""
    folder = run / "trained" / name
    told: dict[str, Any] = {
        "minival": 0.9,
        "best_epoch": 2,
        "test": worth(0.85, 0.804, 0.889, images=269),
    }
    trained_folder(folder, fields.pop("classes", DIGITS), **(told | fields))
    write_arch(tiny(len(DIGITS), side=fields.get("side", 16)), folder / "network.yaml")
    write_log(folder)
    return folder


def write_log(folder: Path, epochs: int = 3) -> None:
    """The log of a training of so many epochs."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"epoch": n, "lr": 0.1, "train_loss": 2 / n, "train_accuracy": 0.5 + 0.1 * n,
         "minival": 0.8 + 0.05 * (2 - abs(2 - n)), "seconds": 1.0}
        for n in range(1, epochs + 1)
    ]  # fmt: skip
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_confusion(folder: Path, split: str = "test") -> None:
    """What a network took the digits for."""
    lines = [",".join(["class \\ predicted", *DIGITS])]
    counts = np.full((10, 10), 1) + 20 * np.eye(10, dtype=int)
    lines += [",".join([name, *map(str, row)]) for name, row in zip(DIGITS, counts, strict=True)]
    (folder / f"{split}_16px_confusion.csv").write_text("\n".join(lines) + "\n")
