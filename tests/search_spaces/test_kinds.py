"""What every kind of block keeps to, on the side of its description."""

import dataclasses

import pytest

from nas.networks.cost import cost
from samples import AWAY_FROM_DEFAULT, sample, sample_stage
from search_spaces.blocks import blocks
from search_spaces.compact import parse_stage, spell
from search_spaces.errors import UserError
from search_spaces.kinds import KINDS
from search_spaces.kinds.base import COMMON_FIELDS
from search_spaces.scaling import scale
from search_spaces.space import load_space
from search_spaces.stage import Stage
from search_spaces.yaml_io import arch_to_yaml, read_arch

KEYS = {
    "mbconv": "0236a9bc147ae89e",
    "sepconv": "e77d717dae9e4f65",
    "fused": "3aa0774b282e3ca2",
    "bottleneck": "8bbe7ed8fa855cce",
    "conv": "8eeb678a6e45dc83",
    "convnext": "5071d33e6f9e0098",
    "identity": "60a86076b269dc95",
}
"""The keys of the samples: records and results are found by them, so they never change."""

each_kind = pytest.mark.parametrize("op", KINDS)


@each_kind
def test_the_key_of_a_network_never_changes(op: str) -> None:
    assert sample(op).key() == KEYS[op]


@each_kind
def test_every_field_is_taken_or_refused_when_the_stage_is_made(op: str) -> None:
    fields = {f.name for f in dataclasses.fields(Stage)} - set(COMMON_FIELDS)
    assert fields == set(AWAY_FROM_DEFAULT)
    assert KINDS[op].takes <= fields
    for name in fields:
        value = AWAY_FROM_DEFAULT[name]
        if name in KINDS[op].takes:
            assert getattr(Stage(op=op, channels=16, **{name: value}), name) == value
        else:
            with pytest.raises(UserError, match=f"^{name}: {op} takes none, got "):
                Stage(op=op, channels=16, **{name: value})


@each_kind
def test_every_field_that_is_taken_tells_networks_apart(op: str) -> None:
    plain = sample(op)
    # Ratios are set where they matter: a divisor of what is not expanded rounds nothing.
    base = sample_stage(op, repeats=1, stride=1, channels=8)
    for name in KINDS[op].takes - {"always_expand", "inner_divisor"}:
        other = AWAY_FROM_DEFAULT[name] if name == "skip" else getattr(Stage(channels=8), name)
        changed = plain.replace(stages=(base.replace(**{name: other}),))
        assert changed.key() != plain.replace(stages=(base,)).key(), name


@each_kind
def test_a_block_string_reads_back(op: str) -> None:
    for stage in (*sample(op).stages, Stage(op=op, channels=8)):
        assert parse_stage(spell(stage)) == stage


def test_codes_differ() -> None:
    assert len({kind.code for kind in KINDS.values()}) == len(KINDS)


@each_kind
def test_yaml_reads_back(op: str) -> None:
    assert read_arch(arch_to_yaml(sample(op)), "sample.yaml") == sample(op)


@each_kind
def test_networks_grow_by_depth_width_and_resolution(op: str) -> None:
    arch = sample(op)
    assert scale(arch, 1, 1, 32).key() == arch.key()
    deep, wide, large = scale(arch, 2, 1, 32), scale(arch, 1, 2, 32), scale(arch, 1, 1, 64)
    assert [stage.repeats for stage in deep.stages] == [4, 2]
    assert [stage.channels for stage in wide.stages] == [32, 32]
    assert cost(wide).params > cost(arch).params
    assert cost(large).macs > cost(arch).macs
    assert cost(large).params == cost(arch).params
    if not KINDS[op].may_vanish:
        assert cost(deep).params > cost(arch).params


@each_kind
def test_a_space_varies_what_is_taken(op: str) -> None:
    options = {"kernel": [3, 7], "expand": [2, 4], "se": [0, 0.5]}
    varied = {name: values for name, values in options.items() if name in KINDS[op].takes}
    stages = [dataclasses.asdict(stage) for stage in sample(op).stages]
    base = {"resolution": 32, "stem": {"channels": 8}, "stages": stages}
    space = load_space({"base": base, "vary": {**varied, "layers": [0, 1]}})
    for choice in space.choices:
        params = {each.name: each.options[-1] for each in space.choices}
        arch = space.decode(params | {choice.name: choice.options[0]})
        assert space.decode(space.encode(arch)).key() == arch.key()


@each_kind
def test_a_stage_of_any_kind_can_become_one_of_it(op: str) -> None:
    for other in KINDS:
        stage = sample_stage(other).replace(op=op)
        common = set(COMMON_FIELDS) - {"op"}
        kept = common | (KINDS[op].takes & KINDS[other].takes)
        assert all(getattr(stage, name) == getattr(sample_stage(other), name) for name in kept)


@each_kind
def test_layers_are_named_apart_and_give_what_the_block_writes(op: str) -> None:
    for block in blocks(sample(op)):
        layers = block.layers()
        assert len({layer.name for layer in layers}) == len(layers)
        assert (not layers) == block.is_nothing()


@pytest.mark.parametrize("op", [op for op, kind in KINDS.items() if kind.unexpanded is not None])
def test_expansion_is_left_out_only_at_one(op: str) -> None:
    kind = KINDS[op]
    assert kind.unexpanded is not None
    assert kind.unexpanded.takes == kind.takes - {"expand", "always_expand", "inner_divisor"}
    plain = Stage(op=op, channels=8)
    assert spell(plain).startswith(f"{kind.unexpanded.code}_")
    assert spell(plain.replace(always_expand=True)).startswith(f"{kind.code}_")
