"""The one-line spelling of stages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.compact import parse_stage, spell, spell_arch
from search_spaces.errors import UserError
from search_spaces.stage import Stage
from search_spaces.zoo import ZOO, zoo
from strategies import stages


@given(stages(first=False))
def test_reads_back_as_the_same_stage(stage: Stage) -> None:
    assert parse_stage(spell(stage)) == stage


@given(st.floats(0, 1e6, exclude_min=True), st.floats(0, 1))
def test_ratios_read_back_to_the_last_digit(expand: float, se: float) -> None:
    stage = Stage(channels=8, expand=expand, se=se)
    assert parse_stage(spell(stage)) == stage


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (
            "ir_r2_k5_s2_e6_c40_se0.25",
            Stage(repeats=2, kernel=5, stride=2, expand=6, channels=40, se=0.25),
        ),
        ("ds_r1_k3_s1_e1_c16_noskip", Stage(channels=16, skip=False)),
        ("ds_r1_k3_s1_c16_se0.25", Stage(channels=16, se=0.25)),
        ("dsa_r2_k3_s2_c128", Stage(op="sepconv", repeats=2, stride=2, channels=128, skip=False)),
        ("er_r4_k3_s2_e4_c48", Stage(op="fused", repeats=4, stride=2, expand=4, channels=48)),
        ("cn_r1_k1_s1_c960", Stage(op="conv", kernel=1, channels=960, skip=False)),
        ("cn_r2_k3_s1_e1_c24_skip", Stage(op="fused", repeats=2, channels=24)),
        ("ir_r1_k3_s1_e2.5_c80_nre", Stage(expand=2.5, channels=80, activation="relu")),
        ("+ir_r1_k3_s1_e3_c24", Stage(expand=3, channels=24, continues=True)),
        (
            "bt_r3_k3_s1_e0.5_c256_g32",
            Stage(op="bottleneck", repeats=3, expand=0.5, channels=256, groups=32),
        ),
        (
            "bt_r3_k3_s1_e2_c256_g32",
            Stage(op="bottleneck", repeats=3, expand=2, channels=256, groups=32),
        ),
        ("ir_r1_k3_s1_e1_c24", Stage(channels=24, always_expand=True)),
        ("er_r1_k3_s1_e1_c24", Stage(op="fused", channels=24, always_expand=True)),
        ("ir_r1_k3_s1_e6_c24_always", Stage(expand=6, channels=24, always_expand=True)),
        ("ir_r1_k3_s1_e2.3_c80_i8", Stage(expand=2.3, channels=80, inner_divisor=8)),
        ("id_r1_k3_s2_c64", Stage(op="identity", stride=2, channels=64)),
    ],
)
def test_timms_strings_and_our_own(text: str, stage: Stage) -> None:
    assert parse_stage(text) == stage
    assert parse_stage(spell(stage)) == stage


@pytest.mark.parametrize("arch", ZOO.values(), ids=ZOO)
def test_a_network_fits_one_line(arch: object) -> None:
    assert "\n" not in spell_arch(arch)  # type: ignore[arg-type]


def test_a_networks_line() -> None:
    assert spell_arch(zoo("resnet50")) == (
        "224px stem64_k7_pool bt_r3_k3_s1_e0.25_c256 bt_r4_k3_s2_e0.25_c512 "
        "bt_r6_k3_s2_e0.25_c1024 bt_r3_k3_s2_e0.25_c2048 pool"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unknown kind of block ''"),
        ("irr_r1_k3_s1_e6_c16", "unknown kind of block 'irr'; did you mean 'ir'"),
        ("ir_r1_k3_s1_e6", "missing c"),
        ("ir_r1_k3_s1_c16", "missing e"),
        ("ds_r1_k3_s1_e6_c16", "ds does not expand"),
        ("ds_r1_k3_s1_e1_c16_always", "ds does not expand"),
        ("ir_r1_k3_s1_e6_c16_i0", "inner_divisor: expected at least 1, got 0"),
        ("ir_r1_k3_s1_e6_c16_x3", "unknown part 'x3'"),
        ("ir_r1_k3_s1_e6_c16__", "unknown part ''"),
        ("ir_r1_k3.5_s1_e6_c16", "kernel: expected an integer, got '3.5'"),
        ("ir_r1_k3_s1_e6x_c16", "expand: expected a number, got '6x'"),
        ("ir_r1_k3_k5_s1_e6_c16", "kernel is given twice"),
        ("ir_r1_k3_s1_e6_c16_skip_noskip", "skip is given twice"),
        ("ir_r1_k4_s1_e6_c16", "kernel: expected an odd number, got 4"),
    ],
)
def test_mistakes_name_the_string(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_stage(text)
    assert repr(text) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
