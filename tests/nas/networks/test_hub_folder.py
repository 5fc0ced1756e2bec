"""A folder for the hub says all that timm needs, and its model card says what is true."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file

from cards import CARD
from nas.networks.card import model_card
from nas.networks.hub_folder import write_hub_folder
from nas.networks.model import build
from nas.networks.tested import Accuracy
from nas.networks.trained import Card, load_trained
from search_spaces.ends import Stem
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

OPEN = dataclasses.replace(CARD, arch=CARD.arch.replace(resolution=64))


def written(folder: Path, card: Card = OPEN) -> dict[str, Any]:
    write_hub_folder(build(card.arch).eval(), card, folder)
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return config


class TestFolder:
    def test_a_network_that_timm_does_not_have(self, tmp_path: Path) -> None:
        folder = tmp_path / "new"
        config = written(folder)
        assert config == {
            "architecture": "nas_small",
            "num_classes": 10,
            "num_features": 24,
            "label_names": [f"class {i}" for i in range(10)],
            "pretrained_cfg": {
                "input_size": [3, 64, 64],
                "fixed_input_size": False,
                "interpolation": "bicubic",
                "crop_pct": 0.875,
                "crop_mode": "center",
                "mean": [pytest.approx(value / 255) for value in CARD.mean],
                "std": [pytest.approx(value / 255) for value in CARD.std],
                "num_classes": 10,
                "pool_size": [16, 16],
                "first_conv": "conv_stem",
                "classifier": "classifier",
                "custom_load": False,
            },
        }
        files = {"README.md", "config.json", "model.safetensors", "nas_small.py"}
        assert {path.name for path in folder.iterdir()} == files
        assert "import nas_small" in (folder / "README.md").read_text("utf-8")

    def test_names_of_classes_may_be_no_utf_8(self, tmp_path: Path) -> None:
        names = ("\udcff", "é", *OPEN.classes[2:])
        config = written(tmp_path / "new", dataclasses.replace(OPEN, classes=names))
        assert tuple(config["label_names"]) == names

    def test_a_network_that_timm_has_needs_no_module(self, tmp_path: Path) -> None:
        arch = zoo("resnet50").replace(num_classes=10, resolution=32, dropout=0.1, drop_path=0.0)
        config = written(tmp_path / "new", dataclasses.replace(CARD, arch=arch))
        assert config["architecture"] == "resnet50"
        assert config["model_args"] == {"drop_rate": 0.1, "drop_path_rate": 0.0}
        names = [config["pretrained_cfg"][name] for name in ("first_conv", "classifier")]
        assert names == ["conv1", "fc"]
        assert names[0] + ".weight" in load_file(tmp_path / "new" / "model.safetensors")
        assert not list((tmp_path / "new").glob("*.py"))

    def test_the_folder_is_a_trained_network_here_too(self, tmp_path: Path) -> None:
        model = build(OPEN.arch)
        write_hub_folder(model, OPEN, tmp_path)
        loaded, card = load_trained(tmp_path)
        assert card == OPEN
        assert torch.equal(loaded.conv_stem.weight, model.conv_stem.weight)

    def test_what_timm_cannot_express_leaves_nothing_behind(self, tmp_path: Path) -> None:
        arch = OPEN.arch.replace(stem=Stem(channels=8, pool=True))
        with pytest.raises(UserError, match="stem: timm cannot express"):
            written(tmp_path / "new", dataclasses.replace(CARD, arch=arch))
        assert not list(tmp_path.iterdir())


class TestCard:
    def test_the_hub_understands_it(self) -> None:
        data = ModelCard(model_card(CARD)).data
        assert (data.library_name, data.pipeline_tag) == ("timm", "image-classification")
        assert data.metrics == ["accuracy"]
        assert data.license is None
        first, second = data.eval_results
        assert (first.dataset_name, first.dataset_split) == ("digits", "test")
        assert (first.metric_type, first.metric_value) == ("accuracy", 0.5)
        assert (second.metric_name, second.metric_value) == ("top-5 accuracy", 0.97)
        assert data.datasets is None

    def test_what_the_data_are_judged_by_comes_first(self) -> None:
        card = dataclasses.replace(CARD, metric="mean_per_class")
        text = model_card(card)
        told = [(each.metric_name, each.metric_value) for each in ModelCard(text).data.eval_results]
        assert told[:2] == [("mean accuracy per class", 0.625), ("top-1 accuracy", 0.5)]
        assert "test split: mean accuracy per class 0.6250, with a 95 % interval of 0.5000" in text
        assert "held out of the training split, mean accuracy per class: 0.7500." in text

    def test_a_data_set_of_the_hub_is_linked(self) -> None:
        card = dataclasses.replace(CARD, data={"name": "uoft-cs/cifar10"})
        data = ModelCard(model_card(card)).data
        assert data.datasets == ["uoft-cs/cifar10"]
        assert data.eval_results[0].dataset_type == "uoft-cs/cifar10"

    def test_it_says_the_accuracy_with_its_interval_and_where_weights_came_from(self) -> None:
        text = model_card(CARD)
        assert (
            "On the 100 images of the test split: top-1 accuracy 0.5000, with a 95 % interval"
            in text
        )
        assert "interval of 0.4000 to 0.6000; top-5 accuracy 0.9700, with" in text
        assert "cross-entropy is 0.7500 nats, the expected calibration error 0.0625." in text
        assert "On the images held out of the training split, top-1 accuracy: 0.7500." in text
        assert "3 epochs with seed 7, from the weights of hf-hub:timm/efficientnet\\_b0" in text
        assert "these are the weights of epoch 2" in text
        assert "| clip\\_grad | none |" in text

    def test_no_accuracy_is_claimed_that_was_not_measured(self) -> None:
        card = dataclasses.replace(CARD, test=None, minival=None, start="")
        text = model_card(card)
        assert "The test split was not read." in text
        assert "held out" not in text
        assert "from new weights" in text
        assert not ModelCard(text).data.eval_results

    @pytest.mark.parametrize(
        ("name", "shown"), [("- a", "\\- a"), ("1. a", "1\\. a"), ("---", "\\---"), ("7", "7")]
    )
    def test_the_first_class_begins_no_list(self, name: str, shown: str) -> None:
        card = dataclasses.replace(CARD, classes=(name, *CARD.classes[1:]))
        assert f"\n{shown}, {CARD.classes[1]}, " in model_card(card)

    def test_names_are_shown_as_they_are_and_are_no_markup(self) -> None:
        classes = ("a|b", "<script>", "[x](y)", "`c`", "two\nlines", "# d", "---", "e", "f", "ü")
        card = dataclasses.replace(
            CARD, classes=classes, data={"name": "x: {y}\n---\n# z", "a|b": "<img>"}
        )
        text = model_card(card)
        assert "<" not in text.replace("\\<", "")
        assert "a\\|b, \\<script\\>, \\[x\\](y), \\`c\\`, two lines, \\# d" in text
        data = ModelCard(text).data
        assert data.eval_results[0].dataset_name == "x: {y}\n---\n# z"

    def test_thousands_of_classes_are_counted(self) -> None:
        arch = CARD.arch.replace(num_classes=1000)
        card = dataclasses.replace(CARD, arch=arch, classes=tuple(map(str, range(1000))))
        assert "199 and 800 more, in the header of the weights" in model_card(card)

    def test_an_accuracy_is_within_its_interval(self) -> None:
        with pytest.raises(UserError, match="value: expected one within its interval"):
            Accuracy(value=0.7, low=0.1, high=0.6)
