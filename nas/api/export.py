"""`export` as a function: a network for timm, the hub, ONNX runtimes, or as trained."""

from pathlib import Path

from nas.api.given import Data, data_option, settings_of
from nas.api.heard import heard
from nas.api.train import TrainedNetwork
from nas.defaults.conf import default
from nas.verbs.export import exported


def export(
    network: TrainedNetwork | str | Path,
    format: str,
    *,
    weights: str | Path | None = default("export", "weights"),
    num_classes: int | None = default("export", "num_classes"),
    supernet: str | Path | None = default("export", "supernet"),
    trial: int | None = default("export", "trial"),
    data: "Data | None" = None,
    dynamic: str = default("export", "dynamic"),
    calibration: int = default("export", "calibration"),
    validation: int = default("export", "validation"),
    out: str | Path | None = default("export", "out"),
    progress: bool = False,
) -> Path:
    """Write a network as `timm`, `hub`, `trained`, `onnx`, `int8` or `program`, and give its path.

    `network` is a trained one, a name of the zoo, a YAML file, or with `trial` a run folder. `data`
    are the images that it, or the `supernet` that its weights are a part of, was trained on. `out`
    is a file or folder that is named after it, in the current folder, when None. The other settings
    are those of `nas-search export`. Raises UserError for what cannot be written.
    """
    reference = network.folder if isinstance(network, TrainedNetwork) else network
    config = settings_of(
        "export",
        {} if data is None else {"data": data_option(data)},
        {
            "network": str(reference),
            "format": format,
            "weights": weights,
            "num_classes": num_classes,
            "supernet": supernet,
            "trial": trial,
            "dynamic": dynamic,
            "calibration": calibration,
            "validation": validation,
            "out": out,
        },
    )
    with heard(progress):
        return exported(config).path
