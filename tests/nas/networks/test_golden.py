"""Forward passes equal those of reference models whose every weight was filled from its name.

The references are timm 1.0.31's models (evaluation mode, CPU, torch 2.13): the first eight logits
of two images, the norm of all, and how many entries a state dict has. Ours run in double, and so
did those of zoo.json: filled like this, EfficientNetV2-S makes of float32's rounding, which differs
from processor to processor, other logits altogether.
"""

import json
from pathlib import Path

import pytest
import torch

from golden.fill import fill, image
from nas.networks.model import build
from nas.networks.weights import timm_state_dict
from search_spaces.zoo import names, zoo

FOLDER = Path(__file__).parents[2] / "golden"
GOLDEN = {
    name: reference
    for file in ("forward.json", "zoo.json")
    for name, reference in json.loads((FOLDER / file).read_text(encoding="utf-8")).items()
}
OURS = {
    "semnasnet_100": "mnasnet_a1",
    "mnasnet_100": "mnasnet_b1",
    "mobilenetv1_100": "mobilenet_v1",
    "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv3_large_100": "mobilenet_v3_large",
    "efficientnetv2_s": "efficientnet_v2_s",
}


def test_every_network_of_the_zoo_has_a_reference() -> None:
    assert {OURS.get(name, name) for name in GOLDEN} == set(names())


@pytest.mark.parametrize("name", GOLDEN)
def test_logits(name: str) -> None:
    reference = GOLDEN[name]
    model = build(zoo(OURS.get(name, name))).eval()
    weights = timm_state_dict(model)
    assert len(weights) == reference["keys"]
    fill(weights)  # in place: the model's own tensors under timm's names
    with torch.no_grad():
        logits = model.double()(image(reference["resolution"]).double())
    expected = torch.tensor(reference["logits"], dtype=torch.float64)
    assert (logits[:, :8] - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert logits.norm().item() == pytest.approx(reference["l2"], rel=1e-5)
