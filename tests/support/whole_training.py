"""A whole training that tests can afford: of a small network on a few digits."""

import hashlib
import os
import signal
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from nas.data.dataset import identity, splits
from nas.data.sources import Digits
from nas.data.training_splits import training_splits
from nas.networks.trained import read_card
from nas.training.plan import Plan
from nas.training.train import Progress, train
from nas.training.training_recipe import TrainingRecipe
from quick import SMALL

DIGITS = Digits(limit=200)
RECIPE = TrainingRecipe(
    optimizer="adamw",
    lr=0.02,
    batch_size=40,
    epochs=3,
    ema=0.9,
    minival=0.2,
    crop_scale=0.6,
    mixup=0.2,
    erasing=0.3,
    clip_grad=1.0,
)
"""Each source of chance is on."""
STEPS = 4
"""The steps of an epoch."""


def plan(recipe: TrainingRecipe = RECIPE, **changes: object) -> Plan:
    """The training of a small network, with the recipe and other changes."""
    opened = splits(DIGITS)
    return replace(
        Plan(
            arch=SMALL.replace(resolution=12, num_classes=10, dropout=0.2, drop_path=0.1),
            recipe=recipe,
            splits=training_splits(opened, recipe.minival, 0),
            classes=opened.classes,
            mean=(90.0, 90.0, 90.0),
            std=(90.0, 90.0, 90.0),
            mirror=False,
            data={"name": "digits", **identity(DIGITS)},
            seed=3,
            device=torch.device("cpu"),
            memory=0.1,
        ),
        **changes,  # type: ignore[arg-type]
    )


@dataclass
class Listener:
    """Keeps what it is told, and stops the training after some steps."""

    stop: int | None = None
    """Steps after which Interrupted is raised."""
    kill: int | None = None
    """Steps after which the process is killed."""
    steps: int = 0
    told: list[Progress] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def progress(self, now: Progress) -> None:
        self.told.append(now)
        self.steps += now.row is None
        if now.row is None and self.steps == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if now.row is None and self.steps == self.stop:
            raise Interrupted

    def say(self, line: str) -> None:
        self.said.append(line)


class Interrupted(BaseException):
    """Stops a training where a kill would."""


def digest(folder: Path) -> str:
    """What tells the weights in a folder, and what is said of them, from others."""
    weights = load_file(folder / "weights.safetensors")
    bits = [weights[name].numpy().tobytes() for name in sorted(weights)]
    said = repr(read_card(folder / "weights.safetensors"))
    return hashlib.sha256(b"".join([*bits, said.encode()])).hexdigest()


if __name__ == "__main__":
    train(plan(), Path(sys.argv[1]), Listener(kill=int(sys.argv[2])))
