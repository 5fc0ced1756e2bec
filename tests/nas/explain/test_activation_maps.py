"""Class activation maps are those of the papers, and of captum."""

import pytest
import torch
from captum.attr import LayerGradCam
from torch import Tensor

from nas.explain.activation_maps import activation_maps, is_exact
from nas.networks.model import Network
from search_spaces.ends import Head
from trained_folders import telling, tiny

HEADS = [
    Head(kind="conv", channels=24),
    Head(kind="pool"),
    Head(kind="pooled_conv", channels=24),
    Head(kind="pooled_norm"),
]


def images(count: int = 3, height: int = 40, width: int = 40) -> Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(0))


def network(head: Head) -> Network:
    return telling(tiny(5, head))


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.kind)
def test_maps_are_captums_up_to_scale(head: Head) -> None:
    model, batch = network(head), images()
    found = activation_maps(model, batch)
    last = model.act2 if head.kind == "conv" else model.blocks
    expected = (
        LayerGradCam(model, last)
        .attribute(batch, found.classes.tolist(), relu_attributions=True)
        .detach()[:, 0]
    )
    # Its weights are means of gradients over places, ours are sums.
    places = expected.shape[1] * expected.shape[2]
    torch.testing.assert_close(found.maps.relu(), places * expected)
    assert float(expected.abs().max()) > 0


@pytest.mark.parametrize("head", HEADS[:2], ids=lambda head: head.kind)
def test_the_mean_of_an_exact_map_and_the_bias_are_the_logit(head: Head) -> None:
    model = network(head)
    classes = torch.tensor([4, 0, 2])
    found = activation_maps(model, images(height=48, width=32), classes)
    assert is_exact(model)
    assert found.maps.shape == (3, 12, 8)
    expected = found.logits.gather(1, classes[:, None])[:, 0] - model.classifier.bias[classes]
    torch.testing.assert_close(found.maps.mean((1, 2)), expected.detach())


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.kind)
def test_maps_come_with_the_networks_own_answers(head: Head) -> None:
    model, batch = network(head), images()
    found = activation_maps(model, batch)
    with torch.inference_mode():
        expected = model(batch)
    torch.testing.assert_close(found.logits, expected)
    assert found.classes.tolist() == expected.argmax(1).tolist()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_maps_after_a_nonlinear_head_are_not_called_exact() -> None:
    assert [is_exact(network(head)) for head in HEADS] == [True, True, False, False]
