"""`export` as a function: a network for timm, the hub, ONNX runtimes, or as trained."""

from pathlib import Path

from nas.api.given import settings_of
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
    out: str | Path | None = default("export", "out"),
    progress: bool = False,
) -> Path:
    """Write a network as `timm`, `hub`, `trained`, `onnx` or `program`, and give its path.

    `network` is a trained one, a name of the zoo or a YAML file. `out` is a file or folder that is
    named after it, in the current folder, when None. Raises UserError for what cannot be written.
    """
    reference = network.folder if isinstance(network, TrainedNetwork) else network
    config = settings_of(
        "export",
        {},
        {
            "network": str(reference),
            "format": format,
            "weights": weights,
            "num_classes": num_classes,
            "out": out,
        },
    )
    with heard(progress):
        return exported(config).path
