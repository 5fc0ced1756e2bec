"""The card of a small trained network."""

from checkpoint_files import SMALL
from nas.networks.trained import Accuracy, Card

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
    minival=0.75,
    test=Accuracy(value=0.5, low=0.4, high=0.6, images=100),
    start="hf-hub:timm/efficientnet_b0.ra_in1k",
)
