"""Recipes of whole trainings: the paper's is the paper's, and a proxy takes its part of any."""

from dataclasses import asdict, fields, replace
from typing import Any

import pytest
import torch

from nas.data.sources import Digits
from nas.defaults.conf import config_dir
from nas.evaluators.proxy import ProxyEvaluator
from nas.networks.layers import DropPath
from nas.networks.model import build
from nas.training.recipe import Recipe, learning_rate, make_average, make_optimizer
from nas.training.training_recipe import (
    TrainingRecipe,
    as_trained,
    left_out,
    of_member,
    proxy_part,
)
from nas.verbs.config import make
from search_spaces.errors import UserError
from search_spaces.files import read_text
from search_spaces.yaml_text import load_yaml
from search_spaces.zoo import zoo


def named(option: str) -> TrainingRecipe:
    path = config_dir() / f"recipe/{option}.yaml"
    return make(load_yaml(read_text(path), str(path)), "recipe")


PAPER = named("efficientnet")


def test_the_papers_recipe_is_section_5_2() -> None:
    assert (PAPER.optimizer, PAPER.momentum, PAPER.weight_decay) == ("rmsprop_tf", 0.9, 1e-5)
    assert (PAPER.epochs, PAPER.policy, PAPER.label_smoothing) == (350, "autoaugment", 0.1)
    assert PAPER.drop_path == pytest.approx(1 - 0.8)
    assert round(PAPER.minival * 1_281_167) == 25_022
    optimizer = make_optimizer(PAPER, build(zoo("mobilenet_v1").replace(resolution=32)))
    assert optimizer.defaults["decay"] == 0.9


@pytest.mark.parametrize("epoch", [0.0, 1.0, 2.5, 4.99, 5.0, 7.19, 7.2, 100.0, 349.9])
def test_its_learning_rate_is_of_the_formula(epoch: float) -> None:
    expected = 0.256 * epoch / 5 if epoch < 5 else 0.256 * 0.97 ** (epoch // 2.4)
    assert learning_rate(PAPER, epoch, PAPER.epochs, 4096) == pytest.approx(expected)


def test_its_average_decays_by_9999_in_ten_thousand_after_a_warm_up() -> None:
    weight = torch.nn.Linear(1, 1, bias=False)
    assert PAPER.ema is not None
    averaged = make_average(PAPER.ema, weight)
    torch.nn.init.constant_(weight.weight, 1.0)
    averaged.update_parameters(weight)
    averaged.n_averaged.fill_(1_000_000)
    torch.nn.init.constant_(weight.weight, 2.0)
    averaged.update_parameters(weight)
    assert averaged.module.weight.item() == pytest.approx(1 + 1e-4, abs=1e-6)


def test_its_drop_path_grows_to_a_fifth_in_equal_steps() -> None:
    arch = as_trained(zoo("efficientnet_b0").replace(drop_path=0.0), PAPER)
    blocks = [module for _, module in build(arch).named_blocks()]
    rates = [
        block.drop_path.rate if isinstance(block.drop_path, DropPath) else 0.0 for block in blocks
    ]
    assert rates == pytest.approx([0.2 * i / 16 for i in range(16)])


def test_weights_decay_and_biases_and_norms_do_not() -> None:
    model = build(zoo("efficientnet_b0"))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed, free = make_optimizer(PAPER, model).param_groups
    kinds = {names[id(each)].rpartition(".")[2] for each in decayed["params"]}
    assert kinds == {"weight"}
    assert all(each.ndim > 1 for each in decayed["params"])
    assert all(each.ndim == 1 for each in free["params"])
    assert len(decayed["params"]) + len(free["params"]) == len(names)
    assert (decayed["weight_decay"], free["weight_decay"]) == (1e-5, 0.0)


@pytest.mark.parametrize(("phi", "dropout"), [(0, 0.2), (3.5, 0.35), (7, 0.5), (9, 0.5), (-7, 0)])
def test_dropout_follows_phi_as_published(phi: float, dropout: float) -> None:
    recipe = replace(named("small"), dropout=0.2)
    assert of_member(recipe, phi).dropout == pytest.approx(dropout)


def test_the_magnitude_of_augmentation_grows_with_phi_to_its_end() -> None:
    modern = named("modern")
    found = [of_member(modern, phi).magnitude for phi in (0, 1, 3.5, 7, 20)]
    assert found == pytest.approx([6, 6 + 4 / 7, 8, 10, 10])


def test_a_member_without_phi_has_the_recipe_itself() -> None:
    assert of_member(PAPER, 0) == PAPER


def test_a_network_keeps_its_own_dropout_where_the_recipe_has_none() -> None:
    arch = zoo("efficientnet_b0").replace(dropout=0.4, drop_path=0.15)
    kept = as_trained(arch, replace(PAPER, drop_path=None))
    assert (kept.dropout, kept.drop_path) == (0.4, 0.15)


def test_a_proxy_takes_the_part_that_is_a_recipe() -> None:
    part = proxy_part(PAPER)
    assert type(part) is Recipe
    assert all(getattr(part, each.name) == getattr(PAPER, each.name) for each in fields(Recipe))
    assert proxy_part(part) is part


def test_records_of_a_proxy_are_of_that_part_alone() -> None:
    data = Digits(limit=100)
    whole = ProxyEvaluator(data=data, recipe=PAPER).identity()
    assert whole == ProxyEvaluator(data=data, recipe=proxy_part(PAPER)).identity()
    assert set(whole["recipe"]) == {each.name for each in fields(Recipe)}  # type: ignore[call-overload]


def test_a_proxy_says_in_a_line_what_it_leaves_out() -> None:
    proxy = ProxyEvaluator(data=Digits(limit=100), recipe=PAPER)
    assert proxy.data_summary().splitlines()[-1] == (
        "recipe: a proxy leaves out crop_scale=0.08, policy=autoaugment, drop_path=0.2"
    )
    short = ProxyEvaluator(data=Digits(limit=100))
    assert not any("recipe" in line for line in short.data_summary().splitlines())


def test_the_plain_recipe_has_nothing_that_a_proxy_would_leave_out() -> None:
    assert left_out(named("plain")) == ()


@pytest.mark.parametrize("option", ["small", "modern", "efficientnet", "finetune", "plain"])
def test_every_recipe_of_whole_trainings_sets_all_that_small_sets(option: str) -> None:
    path = config_dir() / "recipe"
    small, own = (load_yaml(read_text(path / f"{n}.yaml"), n) for n in ("small", option))
    assert set(small) <= set(own)
    assert asdict(named(option))["epochs"] == own["epochs"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("minival", -0.1),
        ("minival", 2.5),
        ("minival", float("nan")),
        ("crop_scale", 0.0),
        ("crop_pct", 1.1),
        ("policy", "randomaugment"),
        ("magnitude", 11.0),
        ("erasing", 1.5),
        ("mixup", -1.0),
        ("dropout", 1.0),
        ("clip_grad", 0.0),
        ("layer_decay", 1.5),
        ("freeze_epochs", -1),
        ("lr", 0.0),
    ],
)
def test_an_impossible_setting_is_named(field: str, value: Any) -> None:
    with pytest.raises(UserError, match=rf"^{field}: "):
        TrainingRecipe(**{field: value})
