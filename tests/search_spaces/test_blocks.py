"""The layout of a network in blocks."""

import itertools

from hypothesis import given, settings

from search_spaces.arch import Arch
from search_spaces.blocks import blocks, blocks_by_stage, stage_sizes
from search_spaces.ends import Stem
from search_spaces.stage import SqueezeExcite, Stage
from search_spaces.zoo import zoo
from strategies import archs


def only(stage: Stage, **fields: object) -> tuple[object, ...]:
    return blocks(Arch(resolution=32, stages=(stage,), **fields))  # type: ignore[arg-type]


def test_sizes_of_efficientnet_b0() -> None:
    # Table 1: resolution and channels that each stage takes, and the head.
    assert stage_sizes(zoo("efficientnet_b0")) == (
        (32, 112),
        (16, 112),
        (24, 56),
        (40, 28),
        (80, 14),
        (112, 14),
        (192, 7),
        (320, 7),
    )


def test_blocks_of_efficientnet_b0() -> None:
    laid = blocks_by_stage(zoo("efficientnet_b0"))
    assert [len(stage) for stage in laid] == [1, 2, 2, 3, 3, 4, 1]
    first, second = laid[2]
    assert (first.kind.name, first.in_channels, first.inner_channels, first.channels) == (
        "mbconv",
        24,
        144,
        40,
    )
    assert (first.stride, first.size, first.out_size, first.skip) == (2, 56, 28, False)
    assert (second.stride, second.size, second.out_size, second.skip) == (1, 28, 28, True)
    # A quarter of the block's input channels, not of its inner ones.
    assert (first.se_channels, second.se_channels) == (6, 10)


def test_squeezed_channels_of_mobilenet_v3() -> None:
    # A quarter of the inner channels, to a multiple of eight (Table 1 of its paper).
    laid = blocks_by_stage(zoo("mobilenet_v3_large"))
    assert [block.se_channels for block in laid[3]] == [24, 32, 32]


def test_squeezed_channels_are_truncated_to_at_least_one() -> None:
    assert only(Stage(channels=8, se=0.25), stem=Stem(channels=7))[0].se_channels == 1
    assert only(Stage(channels=8, se=0.1), stem=Stem(channels=3))[0].se_channels == 1


def test_what_is_squeezed_without_expansion_is_what_is_written() -> None:
    inner = SqueezeExcite(reduce="inner")
    for op in ("conv", "fused", "bottleneck"):
        stage = Stage(op=op, channels=16, se=0.5)  # type: ignore[arg-type]
        assert only(stage, se=inner)[0].se_channels == 8
    assert only(Stage(op="sepconv", channels=16, se=0.5), se=inner)[0].se_channels == 16


def test_identities_that_do_nothing() -> None:
    reshaping, *nothing = only(Stage(op="identity", channels=32, repeats=3, stride=2))
    assert not reshaping.is_nothing()
    assert all(block.is_nothing() for block in nothing)


@settings(max_examples=40)
@given(archs())
def test_each_block_takes_what_the_one_before_gives(arch: Arch) -> None:
    laid = blocks(arch)
    for one, following in itertools.pairwise(laid):
        assert (one.channels, one.out_size) == (following.in_channels, following.size)
    assert (laid[-1].channels, laid[-1].out_size) == stage_sizes(arch)[-1]
    assert len(laid) == sum(stage.repeats for stage in arch.stages)
