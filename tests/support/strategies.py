"""Random valid networks over every kind of block, small enough to build by the hundred."""

import math
from collections.abc import Sequence

from hypothesis import strategies as st

from search_spaces.activations import Activation
from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem, stem_side
from search_spaces.kinds import KINDS
from search_spaces.kinds.layers import side_after
from search_spaces.stage import BatchNorm, SqueezeExcite, Stage, grouped_sides

ACTIVATIONS: tuple[Activation, ...] = ("relu", "relu6", "silu", "hard_swish", "gelu")
CHANNELS = (4, 6, 8, 12, 16, 20, 24, 30, 32, 48)
EXPANDS = (0.5, 1, 2.3, 3, 6)


@st.composite
def stages(
    draw: st.DrawFn,
    channels: int = 16,
    size: int = 32,
    first: bool = True,
    groups: bool = True,
    ops: Sequence[str] = tuple(KINDS),
) -> Stage:
    """A stage valid after `channels` feature maps of side `size`; the network's first or not."""
    op = draw(st.sampled_from(ops))
    kind = KINDS[op]
    expands = (0.25, 0.5, 1, 2) if kind.inner_of == "output" else EXPANDS
    taken = {
        "kernel": st.sampled_from((1, 3, 5, 7)),
        "expand": st.sampled_from(expands),
        "se": st.sampled_from((0.0, 0.0, 0.1, 0.25, 1.0)),
        "skip": st.booleans(),
        "activation": st.none() | st.sampled_from(ACTIVATIONS),
        "always_expand": st.booleans(),
        "inner_divisor": st.sampled_from((1, 1, 4, 8)),
    }
    stage = Stage(
        op=op,
        repeats=draw(st.integers(1, 2)),
        stride=draw(st.sampled_from((1, 2))) if size > 1 else 1,
        channels=draw(st.sampled_from(CHANNELS)),
        continues=False if first else draw(st.booleans()),
        **{name: draw(values) for name, values in taken.items() if name in kind.takes},
    )
    if not groups or "groups" not in kind.takes:
        return stage
    return draw(st.just(stage) | st.sampled_from(_grouped(stage, channels)))


def _grouped(stage: Stage, channels: int) -> list[Stage]:
    """The stage with every number of groups it can have."""
    inputs = (channels, stage.channels)[: stage.repeats]
    most = math.gcd(*(side for c in inputs for side in grouped_sides(stage, c)))
    fields = {name: getattr(stage, name) for name in stage.__dataclass_fields__}
    return [
        Stage(**{**fields, "groups": groups}) for groups in range(1, most + 1) if most % groups == 0
    ]


@st.composite
def _stems(draw: st.DrawFn) -> Stem:
    channels = draw(st.sampled_from(CHANNELS))
    if draw(st.integers(0, 3)) == 0:
        side = draw(st.sampled_from((2, 4)))
        return Stem(kind="patch", channels=channels, kernel=side, stride=side)
    return Stem(
        channels=channels,
        kernel=draw(st.sampled_from((1, 3, 7))),
        stride=draw(st.sampled_from((1, 2))),
        pool=draw(st.booleans()),
    )


@st.composite
def archs(
    draw: st.DrawFn,
    max_stages: int = 3,
    groups: bool = True,
    ops: Sequence[str] = tuple(KINDS),
) -> Arch:
    """A valid network of up to `max_stages` small stages, at up to 40 pixels."""
    resolution = draw(st.integers(5, 40))
    stem = draw(_stems())
    size = stem_side(stem, resolution)
    channels, laid = stem.channels, []
    for index in range(draw(st.integers(1, max_stages))):
        stage = draw(stages(channels, size, index == 0, groups, ops))
        laid.append(stage)
        channels, size = stage.channels, side_after(size, stage.stride, KINDS[stage.op].padded)
    return Arch(
        name=draw(st.sampled_from(("custom", "anet"))),
        resolution=resolution,
        in_channels=draw(st.sampled_from((1, 3))),
        num_classes=draw(st.integers(1, 20)),
        stem=stem,
        stages=tuple(laid),
        head=Head(
            kind=draw(st.sampled_from(("conv", "pooled_conv", "pool", "pooled_norm"))),
            channels=draw(st.sampled_from(CHANNELS)),
        ),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        se=SqueezeExcite(
            reduce=draw(st.sampled_from(("input", "inner"))),
            divisor=draw(st.sampled_from((1, 4, 8))),
            activation=draw(st.none() | st.sampled_from(ACTIVATIONS)),
            gate=draw(st.sampled_from(("sigmoid", "hard_sigmoid"))),
        ),
        batch_norm=draw(
            st.sampled_from((BatchNorm(), BatchNorm(eps=1e-3), BatchNorm(momentum=0.01)))
        ),
        padding=draw(st.sampled_from(("torch", "same"))),
        dropout=draw(st.sampled_from((0.0, 0.2))),
        drop_path=draw(st.sampled_from((0.0, 0.2))),
    )
