"""`evaluate` and `predict` as functions: what trained networks say of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nas.api.given import Data, data_option, settings_of
from nas.api.heard import heard
from nas.api.train import TrainedNetwork
from nas.defaults.conf import default, default_option
from nas.verbs.outputs import file_to_write, folder_to_write

if TYPE_CHECKING:
    from nas.training.evaluation import Evaluation
    from nas.training.predictions import Prediction

Weights = TrainedNetwork | str | Path
"""A trained network, the folder that a training left, its file, or `hf-hub:OWNER/NAME`."""


def evaluate(
    weights: Weights,
    data: Data = default_option("evaluate", "data"),
    *,
    split: str = default("evaluate", "split"),
    network: str | Path | None = default("evaluate", "network"),
    resolution: int | None = default("evaluate", "resolution"),
    crop_pct: float | None = default("evaluate", "crop_pct"),
    batch_size: int = default("evaluate", "batch_size"),
    device: str = default("evaluate", "device"),
    threads: int | None = default("evaluate", "threads"),
    loader_workers: int | None = default("evaluate", "loader_workers"),
    out: str | Path | None = None,
    progress: bool = False,
) -> "Evaluation":
    """How good a trained network is on a split of the data: accuracies with their intervals.

    `network`, a name of the zoo or a YAML file, is for weights that do not say what they are of.
    The figures go to the folder `out` too, where one is named.
    """
    config = settings_of(
        "evaluate",
        {"data": data_option(data)},
        {
            "weights": _place(weights),
            "network": network,
            "split": split,
            "resolution": resolution,
            "crop_pct": crop_pct,
            "batch_size": batch_size,
            "device": device,
            "threads": threads,
            "loader_workers": loader_workers,
            "out": out,
        },
    )
    folder = None if out is None else folder_to_write("out", config["out"])

    from nas.verbs.evaluate import evaluated  # brings torch
    from nas.verbs.evaluation_report import write

    with heard(progress):
        found = evaluated(config)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write(found, folder)
    return found.found


def predict(
    weights: Weights,
    images: str | Path | Sequence[str | Path],
    *,
    top: int = default("predict", "top"),
    resolution: int | None = default("predict", "resolution"),
    crop_pct: float | None = default("predict", "crop_pct"),
    megapixels: float = default("predict", "megapixels"),
    batch_size: int = default("predict", "batch_size"),
    device: str = default("predict", "device"),
    threads: int | None = default("predict", "threads"),
    out: str | Path | None = None,
    progress: bool = False,
) -> "tuple[Prediction, ...]":
    """The `top` most likely classes of each image, in the order of the files.

    `images` is an image, a folder of such, or several. One that cannot be decoded has an `error`
    in place of classes. The table goes to the file `out` too, where one is named.
    """
    config = settings_of(
        "predict",
        {},
        {
            "weights": _place(weights),
            "images": images,
            "top": top,
            "resolution": resolution,
            "crop_pct": crop_pct,
            "megapixels": megapixels,
            "batch_size": batch_size,
            "device": device,
            "threads": threads,
            **({} if out is None else {"out": out}),
        },
    )
    file = None if out is None else file_to_write("out", config["out"])

    from nas.verbs.predict import predicted, write  # brings torch

    with heard(progress):
        rows = predicted(config)
    if file is not None:
        write(file, rows)
    return tuple(rows)


def _place(weights: Weights) -> str:
    return str(weights.folder if isinstance(weights, TrainedNetwork) else weights)
