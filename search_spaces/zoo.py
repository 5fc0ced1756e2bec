"""Published networks as Arch literals, under the names timm knows them by where it has one.

Batch norm's ε and momentum and the padding are those of timm's models of the same name; scaled
EfficientNets keep B0's.
"""

from collections.abc import Mapping
from types import MappingProxyType

from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.parsing import closest
from search_spaces.stage import BatchNorm, SqueezeExcite, Stage

EFFICIENTNET_B0 = Arch(  # arXiv 1905.11946, Table 1
    name="efficientnet_b0",
    stages=(
        Stage(kernel=3, stride=1, expand=1, channels=16, se=0.25),
        Stage(repeats=2, kernel=3, stride=2, expand=6, channels=24, se=0.25),
        Stage(repeats=2, kernel=5, stride=2, expand=6, channels=40, se=0.25),
        Stage(repeats=3, kernel=3, stride=2, expand=6, channels=80, se=0.25),
        Stage(repeats=3, kernel=5, stride=1, expand=6, channels=112, se=0.25),
        Stage(repeats=4, kernel=5, stride=2, expand=6, channels=192, se=0.25),
        Stage(kernel=3, stride=1, expand=6, channels=320, se=0.25),
    ),
)

TF_EFFICIENTNET_B0 = EFFICIENTNET_B0.replace(  # the released TPU checkpoints
    name="tf_efficientnet_b0", padding="same", batch_norm=BatchNorm(eps=1e-3)
)

MNASNET_A1 = Arch(  # arXiv 1807.11626, Figure 7; timm's semnasnet_100
    name="mnasnet_a1",
    stages=(
        Stage(kernel=3, stride=1, expand=1, channels=16, skip=False),
        Stage(repeats=2, kernel=3, stride=2, expand=6, channels=24),
        Stage(repeats=3, kernel=5, stride=2, expand=3, channels=40, se=0.25),
        Stage(repeats=4, kernel=3, stride=2, expand=6, channels=80),
        Stage(repeats=2, kernel=3, stride=1, expand=6, channels=112, se=0.25),
        Stage(repeats=3, kernel=5, stride=2, expand=6, channels=160, se=0.25),
        Stage(kernel=3, stride=1, expand=6, channels=320),
    ),
    activation="relu",
)

MNASNET_B1 = Arch(  # arXiv 1807.11626, the same search without SE; timm's mnasnet_100
    name="mnasnet_b1",
    stages=(
        Stage(kernel=3, stride=1, expand=1, channels=16, skip=False),
        Stage(repeats=3, kernel=3, stride=2, expand=3, channels=24),
        Stage(repeats=3, kernel=5, stride=2, expand=3, channels=40),
        Stage(repeats=3, kernel=5, stride=2, expand=6, channels=80),
        Stage(repeats=2, kernel=3, stride=1, expand=6, channels=96),
        Stage(repeats=4, kernel=5, stride=2, expand=6, channels=192),
        Stage(kernel=3, stride=1, expand=6, channels=320, skip=False),
    ),
    activation="relu",
)

MOBILENET_V1 = Arch(  # arXiv 1704.04861, Table 1; timm's mobilenetv1_100
    name="mobilenet_v1",
    stages=(
        Stage(op="sepconv", kernel=3, stride=1, channels=64, skip=False),
        Stage(op="sepconv", repeats=2, kernel=3, stride=2, channels=128, skip=False),
        Stage(op="sepconv", repeats=2, kernel=3, stride=2, channels=256, skip=False),
        Stage(op="sepconv", repeats=6, kernel=3, stride=2, channels=512, skip=False),
        Stage(op="sepconv", repeats=2, kernel=3, stride=2, channels=1024, skip=False),
    ),
    head=Head(kind="pool"),
    activation="relu6",
    drop_path=0.0,
)

MOBILENET_V2 = Arch(  # arXiv 1801.04381, Table 2; timm's mobilenetv2_100
    name="mobilenet_v2",
    stages=(
        Stage(kernel=3, stride=1, expand=1, channels=16),
        Stage(repeats=2, kernel=3, stride=2, expand=6, channels=24),
        Stage(repeats=3, kernel=3, stride=2, expand=6, channels=32),
        Stage(repeats=4, kernel=3, stride=2, expand=6, channels=64),
        Stage(repeats=3, kernel=3, stride=1, expand=6, channels=96),
        Stage(repeats=3, kernel=3, stride=2, expand=6, channels=160),
        Stage(kernel=3, stride=1, expand=6, channels=320),
    ),
    activation="relu6",
    drop_path=0.0,
)

MOBILENET_V3_LARGE = Arch(  # arXiv 1905.02244, Table 1; timm's mobilenetv3_large_100
    name="mobilenet_v3_large",
    stem=Stem(channels=16),
    stages=(
        Stage(kernel=3, stride=1, expand=1, channels=16, activation="relu"),
        Stage(kernel=3, stride=2, expand=4, channels=24, activation="relu"),
        Stage(kernel=3, stride=1, expand=3, channels=24, activation="relu", continues=True),
        Stage(repeats=3, kernel=5, stride=2, expand=3, channels=40, se=0.25, activation="relu"),
        Stage(kernel=3, stride=2, expand=6, channels=80),
        Stage(kernel=3, stride=1, expand=2.5, channels=80, continues=True, inner_divisor=8),
        Stage(repeats=2, kernel=3, expand=2.3, channels=80, continues=True, inner_divisor=8),
        Stage(repeats=2, kernel=3, stride=1, expand=6, channels=112, se=0.25),
        Stage(repeats=3, kernel=5, stride=2, expand=6, channels=160, se=0.25),
        Stage(op="conv", kernel=1, stride=1, channels=960, skip=False),
    ),
    head=Head(kind="pooled_conv", channels=1280),
    activation="hard_swish",
    se=SqueezeExcite(reduce="inner", divisor=8, activation="relu", gate="hard_sigmoid"),
)


def _resnet(name: str, *repeats: int) -> Arch:
    """arXiv 1512.03385, Table 1, with the stride in the 3×3 conv as in every published port."""
    return Arch(
        name=name,
        stem=Stem(channels=64, kernel=7, pool=True),
        stages=tuple(
            Stage(
                op="bottleneck",
                repeats=repeats[index],
                kernel=3,
                stride=1 if index == 0 else 2,
                expand=0.25,
                channels=256 * 2**index,
            )
            for index in range(4)
        ),
        head=Head(kind="pool"),
        activation="relu",
        dropout=0.0,
        drop_path=0.0,
    )


RESNET50 = _resnet("resnet50", 3, 4, 6, 3)
RESNET152 = _resnet("resnet152", 3, 8, 36, 3)

EFFICIENTNET_V2_S = Arch(  # arXiv 2104.00298, Table 4; timm's efficientnetv2_s
    name="efficientnet_v2_s",
    resolution=384,
    stem=Stem(channels=24),
    stages=(
        Stage(op="fused", repeats=2, kernel=3, stride=1, expand=1, channels=24),
        Stage(op="fused", repeats=4, kernel=3, stride=2, expand=4, channels=48),
        Stage(op="fused", repeats=4, kernel=3, stride=2, expand=4, channels=64),
        Stage(repeats=6, kernel=3, stride=2, expand=4, channels=128, se=0.25),
        Stage(repeats=9, kernel=3, stride=1, expand=6, channels=160, se=0.25),
        Stage(repeats=15, kernel=3, stride=2, expand=6, channels=256, se=0.25),
    ),
)

CONVNEXT_TINY = Arch(  # arXiv 2201.03545, Table 9
    name="convnext_tiny",
    stem=Stem(kind="patch", channels=96, kernel=4, stride=4),
    stages=tuple(
        Stage(op="convnext", repeats=repeats, kernel=7, stride=stride, expand=4, channels=channels)
        for repeats, stride, channels in ((3, 1, 96), (3, 2, 192), (9, 2, 384), (3, 2, 768))
    ),
    head=Head(kind="pooled_norm"),
    activation="gelu",
    dropout=0.0,
    drop_path=0.1,
)

ZOO: Mapping[str, Arch] = MappingProxyType(
    {
        arch.name: arch
        for arch in (
            EFFICIENTNET_B0,
            TF_EFFICIENTNET_B0,
            MNASNET_A1,
            MNASNET_B1,
            MOBILENET_V1,
            MOBILENET_V2,
            MOBILENET_V3_LARGE,
            RESNET50,
            RESNET152,
            EFFICIENTNET_V2_S,
            CONVNEXT_TINY,
        )
    }
)
"""Every network of the zoo by its name."""


TIMM_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "mnasnet_a1": "semnasnet_100",
        "mnasnet_b1": "mnasnet_100",
        "mobilenet_v1": "mobilenetv1_100",
        "mobilenet_v2": "mobilenetv2_100",
        "mobilenet_v3_large": "mobilenetv3_large_100",
        "efficientnet_v2_s": "efficientnetv2_s",
    }
)
"""timm's names of the networks that are called otherwise there; either name is understood."""

_BY_TIMM = {theirs: ours for ours, theirs in TIMM_NAMES.items()}


def names() -> tuple[str, ...]:
    """The names of the zoo's networks."""
    return tuple(ZOO)


def understood() -> tuple[str, ...]:
    """All names that `zoo` understands: its own, and timm's for networks it calls otherwise."""
    return (*ZOO, *_BY_TIMM)


def zoo(name: str) -> Arch:
    """The network of that name, or that timm calls so.

    Raises UserError for one the zoo does not hold.
    """
    own = _BY_TIMM.get(name, name)
    if own not in ZOO:
        raise UserError(f"{name!r} is no network of the zoo{closest(name, understood())}")
    return ZOO[own]
