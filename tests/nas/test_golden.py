"""Forward passes equal those of reference models whose every weight was filled from its name."""

import json
from pathlib import Path

import pytest
import torch

from golden.fill import fill, image
from nas.networks.model import build
from nas.networks.weights import timm_state_dict
from search_spaces.zoo import zoo

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "forward.json").read_text())
OURS = {
    "efficientnet_b0": "efficientnet_b0",
    "mobilenetv2_100": "mobilenet_v2",
    "resnet50": "resnet50",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_logits(name: str) -> None:
    reference = GOLDEN[name]
    model = build(zoo(OURS[name])).eval()
    weights = timm_state_dict(model)
    assert len(weights) == reference["keys"]
    fill(weights)  # in place: the model's own tensors under timm's names
    with torch.no_grad():
        logits = model(image(reference["resolution"]))
    expected = torch.tensor(reference["logits"])
    assert (logits[:, :8] - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert logits.norm().item() == pytest.approx(reference["l2"], rel=1e-4)
