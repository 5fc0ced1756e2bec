"""Trained networks in a command: opened, on the device and with the threads that are asked for."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from nas.data.names import counted, shown, some
from nas.networks.hub import is_reference
from nas.networks.trained import WEIGHTS, weights_in
from nas.training.classifier import ImageClassifier
from nas.training.devices import device_named
from nas.training.memory import is_out_of_memory
from nas.training.threads import threads
from nas.verbs.config import Config
from nas.verbs.cores import available, torch_threads
from search_spaces.errors import CommandFailed, UserError, told_under


def opened(weights: str, config: Config, setting: str = "weights") -> ImageClassifier:
    """The network that a training left, with images as the settings want them.

    Raises UserError, which names the setting that the weights were given as.
    """
    check_there(weights, setting)
    device = device_named(config["device"], "device")
    with told_under(f"{setting}: "):
        classifier = ImageClassifier.load(weights, device)
    return classifier.seeing(config["resolution"], config["crop_pct"])


def check_there(weights: str, setting: str = "weights") -> None:
    """Raises UserError where weights are neither on the hub nor at that path, or it is a run's."""
    if is_reference(weights):
        return
    path = Path(weights)
    if not path.exists():
        raise UserError(f"{setting}: {shown(weights)}: no such file or folder")
    if (path / "config.yaml").is_file() and not weights_in(path).exists():
        trained = sorted(str(file.parent) for file in path.glob(f"trained/*/{WEIGHTS}"))
        expected = (
            f"expected one of its networks: {some(trained)}"
            if trained
            else "no network is trained in it"
        )
        raise UserError(f"{setting}: {shown(weights)} is a run folder; {expected}")


@contextlib.contextmanager
def inference(config: Config) -> Iterator[None]:
    """Inside, torch computes with as many threads as asked for, or as there are cores.

    Raises CommandFailed where memory runs out.
    """
    try:
        with threads(torch_threads(config, available())):
            yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        size = config.get("batch_size", 1)
        smaller = "batch_size or resolution" if size > 1 else "resolution"
        raise CommandFailed(
            f"out of memory with {counted(size, 'image')} at a time; a smaller {smaller} needs less"
        ) from None
