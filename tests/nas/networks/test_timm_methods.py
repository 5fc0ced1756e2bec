"""A network has timm's methods, and they change no result."""

import copy
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

from checkpoint_files import SMALL
from nas.networks.export import export_onnx, export_program
from nas.networks.feature_network import FeatureNetwork
from nas.networks.features import feature_info
from nas.networks.model import Network, build
from nas.networks.weights import load_weights, save_weights
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.stage import Stage
from search_spaces.zoo import zoo
from strategies import archs

HEADS = {
    kind: SMALL.replace(head=Head(kind=kind, channels=24))  # type: ignore[arg-type]
    for kind in ("conv", "pooled_conv", "pool", "pooled_norm")
}


def images(arch: Arch, count: int = 2) -> Tensor:
    shape = (count, arch.in_channels, arch.resolution, arch.resolution)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("arch", HEADS.values(), ids=HEADS)
class TestHeads:
    def test_features_and_head_make_the_logits(self, arch: Arch) -> None:
        model = build(arch).eval()
        features = model.forward_features(images(arch))
        assert features.shape[:2] == (2, model.num_features)
        assert features.ndim == 4
        assert torch.equal(model.forward_head(features), model(images(arch)))
        before = model.forward_head(features, pre_logits=True)
        assert before.shape == (2, model.head_hidden_size)
        assert torch.equal(model.get_classifier()(before), model(images(arch)))

    def test_a_classifier_of_other_classes(self, arch: Arch, tmp_path: Path) -> None:
        model = build(arch).double().eval()
        model.reset_classifier(4)
        assert model.num_classes == model.arch.num_classes == 4
        assert model(images(arch).double()).shape == (2, 4)
        assert not model.get_classifier().training
        save_weights(model, tmp_path / "four.safetensors")
        load_weights(build(arch.replace(num_classes=4)), tmp_path / "four.safetensors")

    def test_no_classifier_gives_what_one_would_be_fed(self, arch: Arch) -> None:
        model = build(arch).eval()
        expected = model.forward_head(model.forward_features(images(arch)), pre_logits=True)
        model.reset_classifier(0)
        assert isinstance(model.get_classifier(), nn.Identity)
        assert model.num_classes == 0
        assert torch.equal(model(images(arch)), expected)
        model.reset_classifier(3)
        assert model(images(arch)).shape == (2, 3)

    def test_the_network_still_leaves_for_other_runtimes(self, arch: Arch, tmp_path: Path) -> None:
        assert export_program(arch, tmp_path / "net.pt2") < 1e-4


def test_a_network_with_features_leaves_as_onnx(tmp_path: Path) -> None:
    assert export_onnx(SMALL, tmp_path / "net.onnx") < 1e-4


def test_impossible_numbers_of_classes_leave_the_classifier() -> None:
    model = build(SMALL)
    before = model.get_classifier()
    with pytest.raises(UserError, match="num_classes: expected at least 1, got -1"):
        model.reset_classifier(-1)
    assert model.get_classifier() is before


class TestGradientCheckpointing:
    @settings(max_examples=15)
    @given(archs())
    def test_training_gives_the_same_and_counts_statistics_once(self, arch: Arch) -> None:
        plain = build(arch).double().train()
        saving = copy.deepcopy(plain)
        saving.set_grad_checkpointing()
        results = []
        for model in (plain, saving):
            torch.manual_seed(1)  # dropout and stochastic depth
            model(images(arch, 3).double()).square().sum().backward()
            results.append((dict(model.named_buffers()), gradients(model)))
        torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-12)

    def test_less_is_kept_for_the_backward_pass(self) -> None:
        kept = {}
        for enable in (False, True):
            model = build(SMALL).train()
            model.set_grad_checkpointing(enable)
            kept[enable] = bytes_kept(model, images(SMALL))
        assert kept[True] < kept[False] / 2

    def test_an_evaluation_is_what_it_was(self) -> None:
        model = build(SMALL).eval()
        expected = model(images(SMALL))
        model.set_grad_checkpointing()
        assert torch.equal(model(images(SMALL)), expected)

    def test_frozen_batch_norms_stay_frozen(self) -> None:
        model = build(SMALL).train()
        model.set_grad_checkpointing()
        model.blocks.eval()
        before = copy.deepcopy(dict(model.blocks.named_buffers()))
        model(images(SMALL)).sum().backward()
        after = dict(model.blocks.named_buffers())
        assert all(torch.equal(after[name], value) for name, value in before.items())


def gradients(model: Network) -> dict[str, Tensor]:
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def bytes_kept(model: Network, batch: Tensor) -> int:
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(batch)
    return sum(kept.values())


class TestFeatures:
    # As timm's `create_model(name, features_only=True).feature_info` has them.
    @pytest.mark.parametrize(
        ("name", "channels", "modules"),
        [
            ("efficientnet_b0", [16, 24, 40, 112, 320], "blocks.0 blocks.1 blocks.2 blocks.4"),
            ("mobilenet_v3_large", [16, 24, 40, 112, 960], "blocks.0 blocks.1 blocks.2 blocks.4"),
            ("efficientnet_v2_s", [24, 48, 64, 160, 256], "blocks.0 blocks.1 blocks.2 blocks.4"),
            ("resnet50", [64, 256, 512, 1024, 2048], "act1 blocks.0 blocks.1 blocks.2"),
        ],
    )
    def test_they_are_where_timm_has_them(
        self, name: str, channels: list[int], modules: str
    ) -> None:
        info = feature_info(zoo(name))
        assert info.channels() == channels
        assert info.reduction() == [2, 4, 8, 16, 32]
        assert info.module_name()[:-1] == modules.split()

    def test_patches_begin_at_their_own_size(self) -> None:
        info = feature_info(zoo("convnext_tiny"))
        assert info.channels() == [96, 192, 384, 768]
        assert info.reduction() == [4, 8, 16, 32]
        assert info[0] == {"num_chs": 96, "reduction": 4, "module": "blocks.0"}

    @settings(max_examples=30)
    @given(archs())
    def test_the_maps_are_as_the_info_says(self, arch: Arch) -> None:
        model = build(arch).eval()
        batch = images(arch)
        maps = FeatureNetwork(model)(batch)
        info = model.feature_info
        assert [m.shape[1] for m in maps] == info.channels()
        sides = [m.shape[-1] for m in maps]
        assert sides == sorted(set(sides), reverse=True) or sides[-1] == 1
        if arch.head.kind != "conv":
            assert torch.equal(maps[-1], model.forward_features(batch))

    def test_a_size_that_changes_within_a_stage(self) -> None:
        stages = (Stage(channels=8), Stage(channels=12, stride=2, continues=True))
        arch = Arch(resolution=32, num_classes=3, stem=Stem(channels=8), stages=stages)
        assert feature_info(arch).module_name() == ["blocks.0.0", "blocks.0"]
        first = FeatureNetwork(build(arch), [0])
        assert len(list(first.blocks[0].children())) == 1
        assert [m.shape[1:] for m in first(images(arch))] == [(8, 16, 16)]

    def test_the_chosen_alone_and_no_block_beyond_them(self) -> None:
        model = build(zoo("efficientnet_b0").replace(resolution=64)).eval()
        part = FeatureNetwork(model, [-2, 1]).eval()
        assert part.feature_info.channels() == [24, 112]
        assert [m.shape[1:] for m in part(images(model.arch))] == [(24, 16, 16), (112, 4, 4)]
        names = set(part.state_dict())
        assert names < set(model.state_dict())
        assert not any(name.startswith(("blocks.5", "conv_head", "classifier")) for name in names)
        part.set_grad_checkpointing()
        part.train()(images(model.arch))[-1].sum().backward()
        assert model.blocks[4][2].conv_pwl.weight.grad is not None

    def test_the_stem_alone(self) -> None:
        part = FeatureNetwork(build(zoo("resnet50").replace(resolution=64)), (0,))
        assert [m.shape for m in part(torch.randn(1, 3, 64, 64))] == [(1, 64, 32, 32)]

    @pytest.mark.parametrize("indices", [[9], [-9], []])
    def test_an_index_of_none(self, indices: list[int]) -> None:
        with pytest.raises(IndexError):
            FeatureNetwork(build(SMALL), indices)

    def test_a_backbone_leaves_for_other_runtimes(self) -> None:
        part = FeatureNetwork(build(SMALL)).eval()
        program = torch.export.export(part, (images(SMALL),))
        for ours, theirs in zip(part(images(SMALL)), program.module()(images(SMALL)), strict=True):
            torch.testing.assert_close(ours, theirs)
