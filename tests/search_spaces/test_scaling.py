"""Scaling: identity at one, monotone, valid for every valid network."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.networks.cost import cost
from search_spaces.arch import Arch
from search_spaces.blocks import blocks
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.scaling import scale
from search_spaces.stage import Stage
from search_spaces.zoo import ZOO, zoo
from strategies import archs

multipliers = st.floats(0.1, 3)


@given(archs())
def test_by_one_it_is_the_network_itself(arch: Arch) -> None:
    assert scale(arch, 1, 1, arch.resolution) == arch
    assert scale(arch, 1.0, 1.0, arch.resolution, divisor=4) == arch


@pytest.mark.parametrize("arch", ZOO.values(), ids=ZOO)
def test_by_one_it_is_the_zoos_network(arch: Arch) -> None:
    assert scale(arch, 1, 1, arch.resolution) == arch


@given(archs(), multipliers, multipliers)
def test_monotone_in_depth(arch: Arch, one: float, other: float) -> None:
    less, more = (cost(scale(arch, d, 1, arch.resolution)) for d in sorted((one, other)))
    assert less.params <= more.params
    assert less.macs <= more.macs
    assert less.activations <= more.activations


@given(archs(), multipliers, multipliers)
def test_monotone_in_width(arch: Arch, one: float, other: float) -> None:
    less, more = (cost(scale(arch, 1, w, arch.resolution)) for w in sorted((one, other)))
    assert less.params <= more.params
    assert less.macs <= more.macs
    assert less.activations <= more.activations


@given(archs(), st.integers(0, 60), st.integers(0, 60))
def test_monotone_in_resolution(arch: Arch, one: int, other: int) -> None:
    less, more = (cost(scale(arch, 1, 1, arch.resolution + r)) for r in sorted((one, other)))
    assert less.params == more.params
    assert less.macs <= more.macs
    assert less.activations <= more.activations


@given(archs(), multipliers, multipliers, st.sampled_from((1, 2, 4, 8, 16)))
def test_every_network_scales(arch: Arch, depth: float, width: float, divisor: int) -> None:
    scaled = scale(arch, depth, width, arch.resolution, divisor=divisor)
    assert len(scaled.stages) == len(arch.stages)
    for before, after in zip(arch.stages, scaled.stages, strict=True):
        assert after.repeats == max(1, math.ceil(before.repeats * depth))
        assert after.channels % math.gcd(before.channels, divisor) == 0
        assert before.groups % after.groups == 0


def test_the_papers_b1_and_b2() -> None:
    b0 = zoo("efficientnet_b0")
    b1, b2 = scale(b0, 1.1, 1.0, 240), scale(b0, 1.2, 1.1, 260)
    assert [stage.repeats for stage in b1.stages] == [2, 3, 3, 4, 4, 5, 2]
    assert [stage.channels for stage in b2.stages] == [16, 24, 48, 88, 120, 208, 352]
    assert (b2.stem.channels, b2.head.channels, b2.resolution) == (32, 1408, 260)


def test_groups_stay_in_number() -> None:
    arch = Arch(
        stem=Stem(channels=64, pool=True),
        stages=(
            Stage(op="bottleneck", expand=0.5, channels=256, groups=32),
            Stage(op="fused", expand=3, channels=40, groups=4, repeats=2),
            Stage(op="conv", channels=36, groups=4),
        ),
        head=Head(kind="pool"),
    )
    for width in (0.3, 0.5, 1.1, 1.7):
        assert [stage.groups for stage in scale(arch, 2, width, 224).stages] == [32, 4, 4]
    assert scale(arch, 1, 1.1, 224).stages[0].channels == 256  # of 281.6, in steps of 64


def test_groups_that_a_second_block_cannot_have_are_reduced() -> None:
    once = Stage(op="fused", expand=2, channels=10, groups=3)
    arch = Arch(resolution=32, stem=Stem(channels=6), stages=(once,))
    assert [scale(arch, depth, 1, 32).stages[0].groups for depth in (1, 2)] == [3, 1]


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("position", [0, 1])
def test_multipliers_are_above_zero(bad: float, position: int) -> None:
    name = ("depth", "width")[position]
    multiplier = [1.0, 1.0]
    multiplier[position] = bad
    with pytest.raises(UserError, match=f"{name}: expected a multiplier above 0"):
        scale(zoo("efficientnet_b0"), *multiplier, 224)


@pytest.mark.parametrize(
    ("depth", "width", "message"),
    [
        (1, 1e9, "width: expected a multiplier of at most 1000000, got 1000000000.0"),
        (1e9, 1, "depth: expected a multiplier of at most 10000, got 1000000000.0"),
        (1, 800, "depth × 1, width × 800, 224 px: channels: expected at most 1000000"),
        (900, 1, "depth × 900, width × 1, 224 px: stages: expected at most 10000 layers"),
    ],
)
def test_a_network_too_large_is_blamed_on_its_multipliers(
    depth: float, width: float, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        scale(zoo("efficientnet_b0"), depth, width, 224)
    assert str(caught.value).startswith(message)


def test_inner_channels_of_a_scaled_mobilenet_v3_are_timms() -> None:
    scaled = scale(zoo("mobilenet_v3_large"), 1, 0.8, 224)
    inner = [block.inner_channels for block in blocks(scaled)]
    # make_divisible(in_chs * exp_ratio) of timm's round_channels(channels, 0.8).
    assert inner[6:10] == [192, 160, 144, 144]


def test_a_resolution_the_strides_do_not_leave_anything_of() -> None:
    with pytest.raises(UserError, match=r"stages\[5\]: the feature map vanishes"):
        scale(zoo("efficientnet_b0"), 1, 1, 16)
