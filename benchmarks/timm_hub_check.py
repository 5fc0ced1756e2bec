"""Whether timm loads the folders that `nas-search export --format hub` wrote, with equal logits.

For an environment of its own, as timm and torchvision are no dependencies of nas-search:

    pip install nas-search timm
    python benchmarks/timm_hub_check.py FOLDER ...
"""

import importlib
import sys
from pathlib import Path

import timm
import torch

from nas.networks.trained import load_trained

TOLERANCE = 1e-5
"""How far logits may lie apart, as a fraction of the largest."""


def main(folders: list[str]) -> int:
    """Print a line for each folder; give 1 where logits differ."""
    equal = [check(Path(folder)) <= TOLERANCE for folder in folders]  # NaN is no such number
    return int(not all(equal))


def check(folder: Path) -> float:
    """How far timm's logits lie from ours, as a fraction of the largest."""
    for module in folder.glob("nas_*.py"):
        sys.path.insert(0, str(folder))
        importlib.import_module(module.stem)
        sys.path.pop(0)
    ours, card = load_trained(folder)
    theirs = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    side, channels = card.arch.resolution, card.arch.in_channels
    images = torch.randn(4, channels, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, got = ours(images), theirs(images)
    apart = float((got - expected).abs().max() / expected.abs().max())
    config = theirs.pretrained_cfg
    print(
        f"{folder}: timm {timm.__version__} {type(theirs).__name__} {config['architecture']}, "
        f"{len(config['label_names'])} classes, logits within {apart:.1g}"
    )
    return apart


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
