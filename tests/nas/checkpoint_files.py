"""Files of weights, and what refuses them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nas.networks.model import Network, build
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.stage import Stage

SMALL = Arch(
    name="small",
    resolution=32,
    num_classes=10,
    stem=Stem(channels=8),
    stages=(Stage(channels=8, se=0.25), Stage(expand=6, channels=12, stride=2, se=0.25)),
    head=Head(channels=24),
)
SMALL_RESNET = SMALL.replace(
    name="small_resnet",
    stem=Stem(channels=8, pool=True),
    stages=(Stage(op="bottleneck", expand=0.25, channels=16),),
    head=Head(kind="pool"),
    activation="relu",
)
State = dict[str, Tensor]


def state(arch: Arch = SMALL) -> State:
    """Weights that no other network of this description has."""
    return dict(build(arch).state_dict())


def holds(model: Network, weights: State) -> bool:
    return all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def prefixed(prefix: str, weights: State) -> State:
    return {prefix + name: value for name, value in weights.items()}


def saved(content: object, path: Path, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


def refusal(path: Path, arch: Arch = SMALL, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        build(arch, weights=path, **options)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")
