"""How many of the machine's cores a command uses, and for what."""

import os
from typing import TYPE_CHECKING

from nas.verbs.config import Config

if TYPE_CHECKING:
    import torch

_MOST_LOADING = 8


def available() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def torch_threads(config: Config, cores: int) -> int:
    """The threads that torch computes with: as many as asked for, or as there are cores."""
    return config["threads"] or cores


def loader_workers(config: Config, device: "torch.device", cores: int) -> int:
    """The processes that decode images: as many as asked for, or as suit the device."""
    asked = config["loader_workers"]
    if asked is not None:
        return int(asked)
    # On a CPU they would take its cores from the network.
    return 0 if device.type == "cpu" else min(_MOST_LOADING, cores)
