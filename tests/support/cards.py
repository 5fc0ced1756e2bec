"""The card of a small trained network."""

from checkpoint_files import SMALL
from nas.networks.tested import Accuracy, Tested
from nas.networks.trained import Card


def worth(value: float, low: float, high: float, images: int) -> Tested:
    """What a network is worth that names so large a share of ten classes' images."""
    return Tested(
        images=images,
        accuracy=Accuracy(value=value, low=low, high=high),
        mean_per_class=Accuracy(value=0.625, low=0.5, high=0.75),
        top5=Accuracy(value=0.97, low=0.9, high=1.0),
        loss=0.75,
        calibration_error=0.0625,
    )


CARD = Card(
    arch=SMALL,
    classes=tuple(f"class {i}" for i in range(10)),
    mean=(120.0, 115.5, 100.0),
    std=(60.0, 61.0, 62.5),
    crop_pct=0.875,
    recipe={"epochs": 3, "optimizer": "rmsprop", "clip_grad": None},
    data={"name": "digits", "classes": 10, "digest": "00ff"},
    epochs=3,
    best_epoch=2,
    seed=7,
    metric="accuracy",
    minival=0.75,
    test=worth(0.5, 0.4, 0.6, images=100),
    start="hf-hub:timm/efficientnet_b0.ra_in1k",
)
