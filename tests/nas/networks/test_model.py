"""The built module: shapes, names, initial weights, stochastic depth, padding."""

import copy

import pytest
import torch
from hypothesis import given, settings
from torch.nn import functional as F

from nas.networks.layers import Conv, DropPath, pad_same
from nas.networks.model import build
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.kinds import KINDS
from search_spaces.stage import Stage
from search_spaces.zoo import zoo
from strategies import archs


@settings(max_examples=40)
@given(archs())
def test_every_network_gives_logits_in_training_and_evaluation(arch: Arch) -> None:
    model = build(arch)
    images = torch.randn(2, arch.in_channels, arch.resolution, arch.resolution)
    assert model.eval()(images).shape == (2, arch.num_classes)
    # Batch norm takes no statistics over 1×1 maps of one image; two images suffice.
    assert model.train()(images).shape == (2, arch.num_classes)


@settings(max_examples=30)
# Convs that do not pad need a whole patch; all others work over any map.
@given(archs(ops=[op for op, kind in KINDS.items() if kind.padded]))
def test_training_over_small_maps_changes_no_result(arch: Arch) -> None:
    """The ways around that convs take over small maps in training give what whole kernels give."""
    model = build(arch.replace(dropout=0.0, drop_path=0.0)).double().train()
    images = torch.randn(4, arch.in_channels, 5, 5, dtype=torch.float64)
    other = copy.deepcopy(model)
    for module in other.modules():
        if isinstance(module, Conv):
            module.eval()
    results = []
    for network in (model, other):
        logits = network(images)
        logits.square().sum().backward()
        grads = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
        results.append((logits, torch.cat(grads)))
    torch.testing.assert_close(results[0], results[1], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_depthwise_conv_over_a_small_map_has_the_gradients_of_any_other(
    side: int, kernel: int, stride: int
) -> None:
    conv = Conv(6, 6, kernel, stride, groups=6, bias=kernel == 7).double().train()
    x = torch.randn(3, 6, side, side, dtype=torch.float64, requires_grad=True)
    results = []
    for layer in (conv, copy.deepcopy(conv).eval()):
        out = layer(x)
        (by_x,) = torch.autograd.grad(out.square().sum(), x, create_graph=True)
        by_x.square().sum().backward()  # the gradients' own gradients
        results.append((out, by_x, x.grad, *(p.grad for p in layer.parameters())))
        x.grad = None
    torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-9)


def test_a_depthwise_conv_over_a_small_map_trains_in_bfloat16() -> None:
    conv = Conv(6, 6, 5, groups=6).train()
    with torch.autocast("cpu", torch.bfloat16):
        conv(torch.randn(3, 6, 4, 4)).sum().backward()
    assert conv.weight.grad is not None
    assert conv.weight.grad.isfinite().all()


class TestNames:
    def names(self, *stages: Stage, **fields: object) -> set[str]:
        arch = Arch(resolution=32, stages=stages, **fields)  # type: ignore[arg-type]
        with torch.device("meta"):
            return {name.rpartition(".")[0] for name, _ in build(arch).named_parameters()}

    def test_mbconv(self) -> None:
        names = self.names(Stage(expand=6, channels=32, se=0.25))
        inside = "conv_pw bn1 conv_dw bn2 se.conv_reduce se.conv_expand conv_pwl bn3"
        around = {"conv_stem", "bn1", "conv_head", "bn2", "classifier"}
        assert names == around | {f"blocks.0.0.{name}" for name in inside.split()}

    def test_a_continuing_stage_counts_with_the_one_before(self) -> None:
        names = self.names(
            Stage(op="conv", channels=8, repeats=2),
            Stage(op="conv", channels=12, continues=True),
            Stage(op="conv", channels=16),
        )
        blocks = {name for name in names if name.endswith(".conv")}
        assert blocks == {f"blocks.{place}.conv" for place in ("0.0", "0.1", "0.2", "1.0")}

    def test_heads(self) -> None:
        stage = Stage(channels=8)
        assert not {"conv_head", "bn2"} & self.names(stage, head=Head(kind="pool"))
        pooled = self.names(stage, head=Head(kind="pooled_conv"))
        assert "conv_head" in pooled
        assert "bn2" not in pooled


class TestInitialWeights:
    def test_convs_are_normal_with_the_papers_deviation(self) -> None:
        torch.manual_seed(0)
        model = build(zoo("efficientnet_b0")).requires_grad_(False)
        block = model.blocks[5][1]
        assert block.conv_pw.weight.std() == pytest.approx((2 / 1152) ** 0.5, rel=0.02)
        assert block.conv_dw.weight.std() == pytest.approx((2 / 25) ** 0.5, rel=0.02)
        assert model.conv_stem.weight.std() == pytest.approx((2 / (9 * 32)) ** 0.5, rel=0.05)
        assert not block.se.conv_reduce.bias.any()

    def test_classifier_is_uniform(self) -> None:
        weight = build(zoo("efficientnet_b0"), num_classes=100).classifier.weight.detach()
        assert weight.abs().max() <= 0.1
        assert weight.abs().max() == pytest.approx(0.1, rel=0.01)
        assert weight.std() == pytest.approx(0.1 / 3**0.5, rel=0.02)

    def test_seeds_repeat(self) -> None:
        weights = []
        for _ in range(2):
            torch.manual_seed(7)
            weights.append(build(zoo("mnasnet_a1")).blocks[2][1].conv_dw.weight)
        assert torch.equal(*weights)


class TestDropPath:
    def test_rates_grow_linearly_over_blocks(self) -> None:
        model = build(zoo("efficientnet_b0"))
        rates = [getattr(block.drop_path, "rate", 0.0) for stage in model.blocks for block in stage]
        assert rates == pytest.approx([0.2 * i / 16 for i in range(16)])

    def test_samples_are_dropped_whole_and_the_rest_scaled(self) -> None:
        torch.manual_seed(0)
        drop, ones = DropPath(0.25), torch.ones(4000, 2, 3, 3)
        kept = drop(ones)
        assert kept.unique().tolist() == pytest.approx([0, 1 / 0.75])
        assert (kept.flatten(1).std(dim=1) == 0).all()
        assert kept.mean() == pytest.approx(1, abs=0.03)
        assert torch.equal(drop.eval()(ones), ones)
        assert not DropPath(1.0)(ones).any()


class TestPadding:
    @pytest.mark.parametrize("kernel", [1, 3, 5, 7])
    @pytest.mark.parametrize("side", [7, 8, 9, 224])
    def test_same_keeps_what_a_stride_leaves(self, kernel: int, side: int) -> None:
        padded = pad_same(torch.ones(1, 1, side, side), kernel, 2)
        assert (padded.shape[-1] - kernel) // 2 + 1 == -(-side // 2)

    def test_the_uneven_pixel_goes_right_and_below(self) -> None:
        padded = pad_same(torch.ones(1, 1, 4, 4), 3, 2)
        assert padded.shape == (1, 1, 5, 5)
        assert padded[0, 0, :4, :4].all()
        assert not padded[0, 0, 4].any()

    def test_paddings_differ_over_even_maps_alone(self) -> None:
        x = torch.randn(1, 2, 9, 9)
        torch_like, same = Conv(2, 3, 3, 2), Conv(2, 3, 3, 2, padding="same")
        same.load_state_dict(torch_like.state_dict())
        torch.testing.assert_close(torch_like(x), same(x))
        assert not torch.allclose(torch_like(x[..., :8, :8]), same(x[..., :8, :8]))

    def test_max_pool_pads_with_nothing_that_could_win(self) -> None:
        arch = Arch(
            resolution=32,
            stem=Stem(channels=8, pool=True),
            stages=(Stage(channels=8),),
            padding="same",
        )
        x = -torch.rand(1, 8, 16, 16) - 1
        expected = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 3, 2)
        assert torch.equal(build(arch).maxpool(x), expected)


def test_channels_last_and_larger_images_change_nothing_else() -> None:
    model = build(zoo("mnasnet_a1").replace(num_classes=5)).eval()
    images = torch.randn(2, 3, 70, 50)
    with torch.no_grad():
        plain = model(images)
        last = model.to(memory_format=torch.channels_last)(
            images.contiguous(memory_format=torch.channels_last)
        )
    torch.testing.assert_close(plain, last, rtol=1e-4, atol=1e-4)


def test_meta_device_holds_no_memory() -> None:
    with torch.device("meta"):
        model = build(zoo("efficientnet_b0"))
    assert all(tensor.is_meta for tensor in model.state_dict().values())
