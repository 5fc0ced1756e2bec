"""`nas-search export`: a network for timm, the hub, ONNX runtimes, as a torch.export program, or as
a training leaves one."""

from nas.verbs.config import Config
from nas.verbs.export import exported


def main(config: Config) -> None:
    """Write the network in the format asked for; print where, and how it was checked."""
    print(exported(config).said)
