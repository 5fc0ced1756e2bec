"""Mappings into dataclasses: what does not fit is named with its path."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings

from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.parsing import closest, from_mapping, to_mapping
from strategies import archs


@settings(max_examples=40)
@given(archs())
def test_round_trip(arch: Arch) -> None:
    assert from_mapping(Arch, to_mapping(arch)) == arch


STAGE: dict[str, Any] = {"channels": 16}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "expected a mapping of Arch fields, got []"),
        ({"stagse": []}, "unknown field 'stagse'; did you mean 'stages'?"),
        ({}, "missing field 'stages'"),
        ({"stages": STAGE}, "stages: expected a list, got {'channels': 16}"),
        ({"stages": [STAGE, {}]}, "stages[1]: missing field 'channels'"),
        ({"stages": [STAGE, {"channels": 8, "colour": 1}]}, "stages[1]: unknown field 'colour'"),
        (
            {"stages": [{"channels": 8, "kernel": "three"}]},
            "stages[0].kernel: expected an integer, got 'three'",
        ),
        ({"stages": [{"channels": 8, "kernel": True}]}, "stages[0].kernel: expected an integer"),
        ({"stages": [{"channels": 8.0}]}, "stages[0].channels: expected an integer, got 8.0"),
        ({"stages": [{"channels": 8, "expand": "6"}]}, "stages[0].expand: expected a number"),
        ({"stages": [{"channels": 8, "skip": 1}]}, "stages[0].skip: expected true or false"),
        ({"stages": [{"channels": 8, "op": "mbcov"}]}, "did you mean 'mbconv'"),
        (
            {"stages": [{"channels": 8, "op": ["mbconv"]}]},
            "stages[0].op: expected a string, got ['mbconv']",
        ),
        ({"stages": [STAGE, {"channels": 8, "kernel": 4}]}, "stages[1].kernel: expected an odd"),
        ({"stages": [{"channels": -8}]}, "stages[0].channels: expected at least 1, got -8"),
        ({"stages": [STAGE], "stem": {"kernel": 2}}, "stem.kernel: expected an odd number, got 2"),
        ({"stages": [STAGE], "stem": 32}, "stem: expected a mapping of Stem fields, got 32"),
        ({"stages": [STAGE], "batch_norm": {"eps": 2}}, "batch_norm.eps: expected a number"),
        ({"stages": [STAGE], "resolution": None}, "resolution: expected an integer, got None"),
        ({"stages": [{"channels": 8, "stride": 2}] * 9}, "stages[7]: the feature map vanishes"),
        ({"stages": [STAGE], 3: 4}, "unknown field 3"),
    ],
)
def test_mistakes_are_told_with_their_path(data: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        from_mapping(Arch, data)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_integers_serve_as_numbers_and_none_as_the_default() -> None:
    arch = from_mapping(Arch, {"stages": [{"channels": 8, "expand": 6, "activation": None}]})
    assert isinstance(arch.stages[0].expand, float)
    assert arch.stages[0].activation is None


@dataclass(frozen=True)
class Ranges:
    pair: tuple[float, float] = (0.0, 1.0)
    many: tuple[int, ...] = ()


def test_lists_are_tuples_of_so_many_or_of_any_number() -> None:
    assert from_mapping(Ranges, {"pair": [1, 2.5], "many": [1, 2, 3]}) == Ranges(
        (1, 2.5), (1, 2, 3)
    )
    for data, message in (
        ({"pair": [1]}, "pair: expected a list of 2, got [1]"),
        ({"pair": [1, "2"]}, "pair[1]: expected a number, got '2'"),
        ({"pair": 1}, "pair: expected a list, got 1"),
        ({"many": [1, 2.5]}, "many[1]: expected an integer, got 2.5"),
    ):
        with pytest.raises(UserError) as caught:
            from_mapping(Ranges, data)
        assert str(caught.value) == message


def test_hints() -> None:
    assert closest("kernal", ["kernel", "stride"]) == "; did you mean 'kernel'?"
    assert closest("zzz", ["kernel", "stride"]) == "; expected one of: kernel, stride"


@pytest.mark.parametrize(
    ("word", "meant"),
    [("swish", "silu"), ("Swish", "silu"), ("hswish", "hard_swish"), ("hardswish", "hard_swish")],
)
def test_other_words_for_an_activation(word: str, meant: str) -> None:
    with pytest.raises(UserError) as caught:
        from_mapping(Arch, {"stages": [{"channels": 8}], "activation": word})
    assert str(caught.value) == f"activation: got {word!r}; did you mean {meant!r}?"
