"""Trainings from other weights: what starts, what waits, and how fast each layer learns."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cards import CARD
from nas.networks.model import build
from nas.networks.trained import save_trained
from nas.networks.weights import save_weights
from nas.training.train import train
from nas.training.training_recipe import TrainingRecipe
from nas.training.transfer import FromNetwork, FromWeights, layer_groups, set_trained
from quick import SMALL
from search_spaces.errors import UserError
from whole_training import RECIPE, Listener, plan

ARCH = SMALL.replace(resolution=12, num_classes=10)


def test_a_start_of_other_classes_gets_a_new_classifier(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    before = build(ARCH.replace(num_classes=7))
    save_weights(before, file)
    model = build(ARCH)
    own = model.classifier.weight.clone()
    FromWeights(file, None).begin(model)
    assert torch.equal(model.conv_stem.weight, before.conv_stem.weight)
    assert torch.equal(model.classifier.weight, own)


@pytest.mark.parametrize(("same", "kept"), [(True, True), (None, True), (False, False)])
def test_a_start_of_as_many_classes_keeps_its_classifier_unless_they_are_others(
    tmp_path: Path, same: bool | None, kept: bool
) -> None:
    file = tmp_path / "w.safetensors"
    before = build(ARCH)
    save_weights(before, file)
    model = build(ARCH)
    FromWeights(file, same).begin(model)
    assert torch.equal(model.classifier.weight, before.classifier.weight) is kept


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_weights(build(ARCH.replace(stages=ARCH.stages[:1])), file)
    with pytest.raises(UserError, match="not the weights of small"):
        train(plan(start=FromWeights(file, None), start_name=str(file)), tmp_path / "t", Listener())


@pytest.mark.parametrize("same", [True, False])
def test_a_larger_network_begins_as_the_smaller_one(tmp_path: Path, same: bool) -> None:
    file = tmp_path / "w.safetensors"
    before = build(ARCH)
    save_trained(before, replace(CARD, arch=ARCH), file)
    first, *others = ARCH.stages
    model = build(ARCH.replace(stages=(replace(first, repeats=first.repeats + 1), *others)))
    said = FromNetwork(file, same).begin(model)
    images = torch.rand(2, 3, 12, 12)
    alike = torch.allclose(model.eval()(images), before.eval()(images), atol=1e-5)
    assert alike is same
    assert "from small; 1 block begins as the identity" in said
    assert ("the classifier is new" in said) is not same


def test_at_first_the_classifier_alone_learns(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    before = build(ARCH)
    save_weights(before, file)
    recipe = replace(RECIPE, epochs=1, freeze_epochs=1, ema=None, weight_decay=0.0)
    (tmp_path / "t").mkdir()
    train(plan(recipe, start=FromWeights(file, None), start_name="w"), tmp_path / "t", Listener())
    after = build(ARCH, tmp_path / "t" / "weights.safetensors").state_dict()
    changed = {name for name, value in before.state_dict().items() if not value.equal(after[name])}
    assert changed == {"classifier.weight", "classifier.bias"}


def test_frozen_batch_norm_keeps_scales_and_statistics(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    before = build(ARCH)
    save_weights(before, file)
    recipe = replace(RECIPE, epochs=1, freeze_batch_norm=True, ema=None)
    (tmp_path / "t").mkdir()
    train(plan(recipe, start=FromWeights(file, None), start_name="w"), tmp_path / "t", Listener())
    after = build(ARCH, tmp_path / "t" / "weights.safetensors").state_dict()
    kept = {name for name, value in before.state_dict().items() if value.equal(after[name])}
    norms = {name for name in after if ".bn" in f".{name}"}
    assert norms <= kept
    assert "blocks.0.0.conv_pw.weight" not in kept


def test_what_was_frozen_learns_afterwards() -> None:
    model, recipe = build(ARCH), TrainingRecipe(freeze_epochs=1)
    set_trained(model, recipe, 0)
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {
        "classifier.weight", "classifier.bias",
    }  # fmt: skip
    assert not model.training
    set_trained(model, recipe, 1)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert model.training


def test_learning_rates_fall_by_a_factor_from_block_to_block() -> None:
    model = build(ARCH)
    groups = layer_groups(model, TrainingRecipe(layer_decay=0.5, weight_decay=0.1))
    rate = {id(each): group["lr_scale"] for group in groups for each in group["params"]}
    found = {name: rate[id(parameter)] for name, parameter in model.named_parameters()}
    assert found["classifier.weight"] == found["conv_head.weight"] == 1.0
    assert found["blocks.1.1.conv_pw.weight"] == 0.5
    assert found["blocks.1.0.conv_pw.weight"] == 0.25
    assert found["blocks.0.0.conv_pw.weight"] == 0.125
    assert found["conv_stem.weight"] == 0.0625
    assert len(rate) == len(list(model.parameters()))
    assert {g["weight_decay"] for g in groups for p in g["params"] if p.ndim == 1} == {0.0}
    assert {g["weight_decay"] for g in groups for p in g["params"] if p.ndim > 1} == {0.1}
