"""Weights that short trainings start from."""

import pytest
import torch

from nas.networks.model import build
from nas.training.initial import start_near_identity
from search_spaces.scaling import scale
from search_spaces.zoo import zoo

NETWORKS = (
    "efficientnet_b0",
    "mobilenet_v1",
    "mobilenet_v3_large",
    "resnet50",
    "efficientnet_v2_s",
    "convnext_tiny",
)
SIDE = 64


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_with_a_skip_start_as_the_identity_and_still_learn(name):
    torch.manual_seed(0)
    slim = scale(zoo(name), 0.5, 0.25, SIDE)
    model = build(slim.replace(drop_path=0.0))
    start_near_identity(model)
    images = torch.randn(4, 3, SIDE, SIDE)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), torch.arange(4)).backward()
        optimizer.step()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0, parameter_name


def test_an_inverted_residual_block_starts_as_the_identity():
    model = build(zoo("efficientnet_b0").replace(resolution=64, drop_path=0.0))
    start_near_identity(model)
    block = model.blocks[1][1]
    x = torch.randn(2, 24, 8, 8)
    torch.testing.assert_close(block(x), x)
