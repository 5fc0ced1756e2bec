"""A grown network begins as the function that its source is; a small one as a part of it."""

import copy
import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from checkpoint_files import SMALL
from nas.networks.inherit import inherit
from nas.networks.model import Network, build
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.kinds import KINDS
from search_spaces.scaling import scale
from search_spaces.stage import Stage
from search_spaces.zoo import zoo
from strategies import archs

NORMED = [op for op, kind in KINDS.items() if kind.padded]
"""Kinds of block whose only norms are batch norms."""


def trained(arch: Arch, seed: int = 0) -> Network:
    """A network whose every weight and statistic is another than at the start."""
    torch.manual_seed(seed)
    model = build(arch).double().eval()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor += 0.1 * torch.rand_like(tensor)
    return model


def images(arch: Arch) -> Tensor:
    shape = (2, arch.in_channels, arch.resolution, arch.resolution)
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def gives_the_same(model: Network, source: Network) -> None:
    batch = images(source.arch)
    torch.testing.assert_close(model(batch), source(batch), rtol=1e-8, atol=1e-8)


@settings(max_examples=15)
@given(archs())
def test_an_equal_network_becomes_equal(arch: Arch) -> None:
    source, model = trained(arch), trained(arch, seed=1)
    report = inherit(model, source)
    ours, theirs = model.state_dict(), source.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert report.copied == report.weights
    assert not report.new
    assert not report.identities


@settings(max_examples=15)
@given(archs(ops=NORMED), st.sampled_from([1.0, 1.5, 2.0]))
def test_a_wider_network_begins_as_the_function_that_its_source_is(
    arch: Arch, width: float
) -> None:
    plain = tuple(dataclasses.replace(stage, groups=1) for stage in arch.stages)
    head = "conv" if arch.head.kind == "pooled_norm" else arch.head.kind
    stem = Stem(channels=arch.stem.channels)
    arch = arch.replace(stem=stem, stages=plain, head=Head(kind=head, channels=16), resolution=32)
    source = trained(arch)
    model = trained(scale(arch, 1.0, width, arch.resolution), seed=1)
    report = inherit(model, source)
    gives_the_same(model, source)
    assert report.copied == sum(weight.numel() for weight in source.parameters())


@pytest.mark.parametrize("name", ["efficientnet_b0", "mobilenet_v2", "resnet50"])
def test_a_member_of_a_family_begins_as_the_one_before_it(name: str) -> None:
    arch = scale(zoo(name), 1.0, 0.25, 32).replace(num_classes=7)
    source = trained(arch)
    model = trained(scale(arch, 1.6, 1.5, 64), seed=1)
    report = inherit(model, source)
    gives_the_same(model, source)
    extra = sum(stage.repeats for stage in model.arch.stages)
    extra -= sum(stage.repeats for stage in source.arch.stages)
    assert len(report.identities) == extra > 3
    assert f"{extra} blocks begin as the identity" in str(report)


def test_larger_kernels_hold_the_smaller_at_their_centre() -> None:
    source = trained(SMALL)
    stages = tuple(stage.replace(kernel=7) for stage in SMALL.stages)
    model = trained(SMALL.replace(stages=stages), seed=1)
    inherit(model, source)
    kernel = model.blocks[1][0].conv_dw.weight
    assert torch.equal(kernel[..., 2:5, 2:5], source.blocks[1][0].conv_dw.weight)
    assert kernel.count_nonzero() == kernel[..., 2:5, 2:5].count_nonzero()
    gives_the_same(model, source)


def test_a_part_has_first_channels_first_blocks_and_the_centres_of_kernels() -> None:
    large = SMALL.replace(
        name="large",
        stages=(
            Stage(channels=16, se=0.25, kernel=5, repeats=3),
            Stage(expand=6, channels=24, stride=2, se=0.25, kernel=7),
        ),
    )
    source, model = trained(large), trained(SMALL, seed=1)
    report = inherit(model, source)
    assert report.copied == report.weights
    ours, theirs = model.blocks[1][0], source.blocks[1][0]
    inner = ours.conv_dw.weight.shape[0]
    assert torch.equal(ours.conv_dw.weight, theirs.conv_dw.weight[:inner, :, 2:5, 2:5])
    assert torch.equal(ours.conv_pwl.weight, theirs.conv_pwl.weight[:12, :inner])
    assert torch.equal(ours.bn1.running_var, theirs.bn1.running_var[:inner])
    assert torch.equal(
        model.blocks[0][0].conv_dw.weight, source.blocks[0][0].conv_dw.weight[:8, :, 1:4, 1:4]
    )
    assert str(report) == f"{report.weights:,} of {report.weights:,} weights (100.0%) from large"


def test_added_blocks_are_copies_that_are_silent_at_first_and_learn() -> None:
    arch = SMALL.replace(stages=(SMALL.stages[0].replace(repeats=2), SMALL.stages[1]))
    source = trained(arch)
    model = trained(arch.replace(stages=(arch.stages[0].replace(repeats=3), arch.stages[1])), 1)
    report = inherit(model, source)
    assert report.identities == ["blocks.0.2"]
    added = model.blocks[0][2]
    assert torch.equal(added.conv_dw.weight, source.blocks[0][1].conv_dw.weight)
    x = torch.randn(1, 8, 4, 4, dtype=torch.float64)
    assert torch.equal(added(x), x)
    model(images(arch)).sum().backward()
    assert added.bn2.weight.grad.abs().min() > 0


def test_blocks_that_cannot_be_silent_are_copies() -> None:
    arch = SMALL.replace(stages=(Stage(op="conv", channels=8, repeats=1),))
    source = trained(arch)
    model = trained(arch.replace(stages=(Stage(op="conv", channels=8, repeats=2),)), seed=1)
    report = inherit(model, source)
    assert not report.identities
    assert torch.equal(model.blocks[0][1].conv.weight, source.blocks[0][0].conv.weight)


def test_convnexts_grow_deeper_as_the_same_function() -> None:
    arch = scale(zoo("convnext_tiny"), 0.3, 0.25, 64).replace(num_classes=4)
    source = trained(arch)
    deeper = tuple(stage.replace(repeats=stage.repeats + 1) for stage in arch.stages)
    model = trained(arch.replace(stages=deeper), seed=1)
    assert len(inherit(model, source).identities) == 4
    gives_the_same(model, source)


class TestNew:
    def test_a_classifier_of_other_classes(self) -> None:
        source, model = trained(SMALL), trained(SMALL.replace(num_classes=4), seed=1)
        before = copy.deepcopy(model.classifier)
        report = inherit(model, source)
        assert report.new == ["classifier.weight", "classifier.bias"]
        assert torch.equal(model.classifier.weight, before.weight)
        assert str(report).endswith("from small; new: classifier.weight, classifier.bias")

    def test_blocks_of_another_kind(self) -> None:
        stages = (SMALL.stages[0], Stage(op="conv", channels=12, stride=2))
        model = trained(SMALL.replace(stages=stages), seed=1)
        before = model.blocks[1][0].conv.weight.clone()
        report = inherit(model, trained(SMALL))
        assert torch.equal(model.blocks[1][0].conv.weight, before)
        assert all(name.startswith("blocks.1.0.") for name in report.new)
        assert "and 3 more" in str(report)

    def test_a_stem_and_a_head_of_another_kind(self) -> None:
        patch = Stem(kind="patch", channels=8, kernel=2, stride=2)
        arch = SMALL.replace(stem=patch, head=Head(kind="pool"))
        report = inherit(trained(arch), trained(SMALL, seed=1))
        assert {"conv_stem.weight", "norm1.weight", "classifier.weight"} <= set(report.new)

    def test_patches_of_another_side(self) -> None:
        source = SMALL.replace(stem=Stem(kind="patch", channels=8, kernel=2, stride=2))
        arch = SMALL.replace(stem=Stem(kind="patch", channels=8, kernel=4, stride=4))
        assert inherit(trained(arch), trained(source, seed=1)).new == ["conv_stem.weight"]

    def test_grouped_convs_of_other_channels(self) -> None:
        def grouped(channels: int) -> Arch:
            stage = Stage(op="conv", channels=channels, groups=2)
            return SMALL.replace(stem=Stem(channels=channels), stages=(stage,))

        source = trained(grouped(8))
        assert inherit(trained(grouped(12), seed=1), source).new == ["blocks.0.0.conv.weight"]
        assert not inherit(trained(grouped(8), seed=1), source).new

    def test_stages_that_the_source_does_not_have_are_silent(self) -> None:
        source = trained(SMALL)
        more = (*SMALL.stages, Stage(expand=6, channels=12, repeats=2, se=0.25))
        model = trained(SMALL.replace(stages=more), seed=1)
        assert inherit(model, source).identities == ["blocks.2.0", "blocks.2.1"]
        gives_the_same(model, source)


def test_the_source_is_left_as_it_was() -> None:
    source = trained(SMALL)
    before = copy.deepcopy(source.state_dict())
    model = trained(scale(SMALL, 2, 2, 32), seed=1).train()
    inherit(model, source)
    assert model.training
    nn.init.zeros_(model.conv_stem.weight)
    assert all(torch.equal(source.state_dict()[name], value) for name, value in before.items())
