"""Arch: refused where impossible, told apart by its key, read back from its YAML."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings

from nas.networks.cost import cost
from search_spaces.arch import Arch, name_after
from search_spaces.blocks import blocks
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.stage import BatchNorm, SqueezeExcite, Stage
from search_spaces.yaml_io import arch_to_yaml, read_arch
from search_spaces.zoo import ZOO
from strategies import archs

PLAIN = Arch(resolution=32, stages=(Stage(channels=16), Stage(expand=6, channels=24, stride=2)))


@settings(max_examples=100)
@given(archs())
def test_yaml_reads_back_as_the_same_network(arch: Arch) -> None:
    again = read_arch(arch_to_yaml(arch), "arch.yaml")
    assert again == arch
    assert again.key() == arch.key()


class TestRefused:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"repeats": 0}, "repeats: expected at least 1, got 0"),
            ({"kernel": 4}, "kernel: expected an odd number, got 4"),
            ({"kernel": -3}, "kernel: expected an odd number, got -3"),
            ({"stride": 3}, "stride: expected one of 1, 2, got 3"),
            ({"channels": -8}, "channels: expected at least 1, got -8"),
            ({"expand": 0}, "expand: expected a number above 0, got 0"),
            ({"expand": float("nan")}, "expand: expected a number above 0, got nan"),
            ({"expand": 1e308}, "expand: expected a number from 0 to 1000000, got 1e"),
            ({"repeats": 10**9}, "repeats: expected at most 10000, got 1000000000"),
            ({"kernel": 10**9 + 1}, "kernel: expected at most 1023, got 1000000001"),
            ({"se": 1.5}, "se: expected a number from 0 to 1, got 1.5"),
            ({"groups": 2}, "groups: mbconv takes none, got 2"),
            ({"inner_divisor": 0}, "inner_divisor: expected at least 1, got 0"),
            ({"op": "identity", "se": 0.25}, "se: identity takes none, got 0.25"),
            ({"op": "identity", "kernel": 5}, "kernel: identity takes none, got 5"),
            ({"op": "sepconv", "expand": 6}, "expand: sepconv takes none, got 6"),
            ({"op": "conv", "always_expand": True}, "always_expand: conv takes none, got True"),
            ({"op": "bottleneck", "inner_divisor": 8}, "inner_divisor: bottleneck takes none, got"),
            ({"op": "mbcnov"}, "op: got 'mbcnov'; did you mean 'mbconv'?"),
            ({"op": "dsconv"}, "op: got 'dsconv'; did you mean"),
            ({"activation": "tanh"}, "activation: expected one of None, relu, relu6, silu"),
            ({"op": ["mbconv"]}, r"op: got \['mbconv'\]; did you mean 'mbconv'"),
        ],
    )
    def test_stages(self, fields: dict[str, Any], message: str) -> None:
        with pytest.raises(UserError, match=message):
            Stage(**{"channels": 16, **fields})

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Head(kind="flat"), "kind: expected one of conv, pooled_conv, pool"),
            (lambda: SqueezeExcite(gate="none"), "gate: expected one of sigmoid, hard_sigmoid"),
            (lambda: SqueezeExcite(reduce="outer"), "reduce: expected one of input, inner"),
            (lambda: PLAIN.replace(activation="tanh"), "activation: expected one of relu, relu6"),
            (lambda: PLAIN.replace(padding="valid"), "padding: expected one of torch, same"),
        ],
    )
    def test_words_that_are_none_of_those_known(self, make: Any, message: str) -> None:
        with pytest.raises(UserError, match=message):
            make()

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"stages": ()}, "stages: expected at least one"),
            ({"resolution": 0}, "resolution: expected at least 1, got 0"),
            ({"num_classes": 0}, "num_classes: expected at least 1, got 0"),
            ({"dropout": 1.1}, "dropout: expected a number from 0 to 1"),
            ({"drop_path": float("nan")}, "drop_path: expected a number from 0 to 1, got nan"),
            ({"stages": (Stage(channels=8, continues=True),)}, "no stage before it"),
        ],
    )
    def test_networks(self, fields: dict[str, Any], message: str) -> None:
        with pytest.raises(UserError, match=message):
            PLAIN.replace(**fields)

    @pytest.mark.parametrize(
        "name",
        [
            *("", ".", "..", ".a", "a/b", "/a", "a\\b", " a", "a ", "a\n"),
            *("\x1b[2J", "\0", "\u202e", "\ud800", "x" * 161, "é" * 81),
        ],
    )
    def test_names_that_no_file_should_have(self, name: str) -> None:
        with pytest.raises(UserError, match=r"^name: expected") as caught:
            PLAIN.replace(name=name)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 120

    @pytest.mark.parametrize(
        "name", ["a b", "B0 (ours) #1?", "réseau", "網", "-x", "a.b", "x" * 160]
    )
    def test_names_that_files_may_have(self, name: str) -> None:
        assert PLAIN.replace(name=name).name == name

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"resolution": 65_537}, "resolution: expected at most 65536, got 65537"),
            ({"in_channels": 1_000_001}, "in_channels: expected at most 1000000, got 1000001"),
            ({"num_classes": 10**9}, "num_classes: expected at most 100000000, got 1000000000"),
            ({"stages": (Stage(channels=8),) * 1001}, "stages: expected at most 1000, got 1001"),
            (
                {"stages": (Stage(channels=8, repeats=5001),) * 2},
                "stages: expected at most 10000 layers in all, got 10002",
            ),
            ({"resolution": 10**5000}, "resolution: expected at most 65536, got an integer of th"),
        ],
    )
    def test_more_than_any_network_has(self, fields: dict[str, Any], message: str) -> None:
        with pytest.raises(UserError) as caught:
            PLAIN.replace(**fields)
        assert str(caught.value).startswith(message)

    def test_as_deep_as_networks_go_is_priced_and_told_apart(self) -> None:
        deep = PLAIN.replace(stages=(Stage(channels=8, repeats=10_000),))
        split = PLAIN.replace(stages=(Stage(channels=8), Stage(channels=8, repeats=9_999)))
        assert deep.key() == split.key()
        assert cost(deep) == cost(split)
        assert len(blocks(deep)) == 10_000

    def test_parts(self) -> None:
        with pytest.raises(UserError, match="kernel: expected an odd number"):
            Stem(kernel=2)
        with pytest.raises(UserError, match="kernel: expected a patch's stride, 4, got 3"):
            Stem(kind="patch", kernel=3, stride=4)
        with pytest.raises(UserError, match="pool: a patch stem takes none"):
            Stem(kind="patch", kernel=4, stride=4, pool=True)
        with pytest.raises(UserError, match="channels: expected at least 1"):
            Head(channels=0)
        with pytest.raises(UserError, match="divisor: expected at least 1"):
            SqueezeExcite(divisor=0)
        with pytest.raises(UserError, match="eps: expected a number between 0 and 1"):
            BatchNorm(eps=0)

    def test_a_map_that_vanishes_names_the_stage(self) -> None:
        down = Stage(channels=8, stride=2)
        Arch(resolution=16, stages=(down,) * 3)
        with pytest.raises(UserError, match=r"^stages\[3\]: the feature map vanishes"):
            Arch(resolution=16, stages=(down,) * 5)
        with pytest.raises(UserError, match=r"^stem\.pool: the feature map vanishes"):
            Arch(resolution=2, stem=Stem(pool=True), stages=(Stage(channels=8),))
        with pytest.raises(UserError, match=r"^stem: the feature map vanishes"):
            Arch(resolution=1, stages=(Stage(channels=8),))
        patches = Stem(kind="patch", kernel=4, stride=4)
        Arch(resolution=7, stem=patches, stages=(Stage(channels=8),))
        with pytest.raises(
            UserError, match=r"^stem: the feature map vanishes: stride 4 over a 3×3"
        ):
            Arch(resolution=3, stem=patches, stages=(Stage(channels=8),))

    @pytest.mark.parametrize(
        ("stage", "channels"),
        [
            (Stage(op="conv", channels=24, groups=5), 32),
            (Stage(op="conv", channels=20, groups=8), 20),
            (Stage(op="fused", expand=2, channels=24, groups=3), 32),
            (Stage(op="fused", expand=1, channels=18, groups=4), 18),
            (Stage(op="fused", expand=2, channels=18, groups=4, repeats=2), 18),
            (Stage(op="bottleneck", expand=0.25, channels=64, groups=3), 16),
        ],
    )
    def test_groups_that_do_not_divide_name_the_stage(self, stage: Stage, channels: int) -> None:
        with pytest.raises(UserError) as caught:
            PLAIN.replace(stages=(Stage(channels=8), stage))
        first = 8 if 8 % stage.groups and stage.op != "bottleneck" else channels
        expected = f"stages[1].groups: {stage.groups} do not divide {first} channels"
        assert str(caught.value) == expected


class TestKey:
    def same(self, one: Arch, other: Arch) -> bool:
        return one.key() == other.key()

    def test_names_and_grouping_of_blocks_do_not_matter(self) -> None:
        first, second = PLAIN.stages
        twice = PLAIN.replace(stages=(first, dataclasses.replace(second, repeats=3)))
        again = dataclasses.replace(second, stride=1, repeats=2)
        assert self.same(twice, twice.replace(name="other"))
        assert self.same(twice, twice.replace(stages=(first, second, again)))
        continued = dataclasses.replace(again, continues=True)
        assert self.same(twice, twice.replace(stages=(first, second, continued)))

    def test_two_spellings_of_one_block(self) -> None:
        def one(stage: Stage) -> Arch:
            return PLAIN.replace(stages=(stage,))

        fused = Stage(op="fused", expand=1, channels=24, se=0.25)
        assert self.same(one(fused), one(Stage(op="conv", channels=24, se=0.25)))
        no_skip = Stage(channels=24, stride=2, skip=False)
        assert self.same(one(no_skip), one(Stage(channels=24, stride=2)))
        always = Stage(expand=6, channels=24, always_expand=True, inner_divisor=8)
        assert self.same(one(always), one(Stage(expand=6, channels=24)))
        own = Stage(channels=24, activation="silu")
        assert self.same(one(own), one(Stage(channels=24)))

    def test_what_no_layer_goes_by_does_not_matter(self) -> None:
        stages = tuple(
            Stage(op="convnext", channels=channels, kernel=7, expand=4, stride=stride)
            for channels, stride in ((16, 1), (32, 2))
        )
        stem = Stem(kind="patch", kernel=4, stride=4, channels=16)
        plain = Arch(stages=stages, stem=stem, head=Head(kind="pooled_norm"), activation="gelu")
        slow = BatchNorm(momentum=0.01)
        assert self.same(plain, plain.replace(batch_norm=slow, padding="same"))
        own = plain.replace(stages=tuple(s.replace(activation="gelu") for s in stages))
        assert self.same(own, plain)
        assert self.same(own, own.replace(activation="relu"))
        assert not self.same(plain, plain.replace(activation="relu"))
        mixed = plain.replace(stages=(*stages, Stage(channels=24, stride=2)))
        assert not self.same(mixed, mixed.replace(batch_norm=slow))
        assert not self.same(mixed, mixed.replace(padding="same"))
        head = plain.replace(head=Head(kind="conv"))
        assert not self.same(head, head.replace(batch_norm=slow))

    def test_an_expansion_conv_of_ratio_one_matters(self) -> None:
        stage = Stage(channels=24)
        kept = dataclasses.replace(stage, always_expand=True)
        assert not self.same(PLAIN.replace(stages=(stage,)), PLAIN.replace(stages=(kept,)))
        nearly = dataclasses.replace(stage, expand=1.0000001)
        assert self.same(PLAIN.replace(stages=(nearly,)), PLAIN.replace(stages=(kept,)))

    def test_what_does_nothing_does_not_matter(self) -> None:
        stages = (*PLAIN.stages, Stage(op="identity", channels=24, repeats=2))
        assert self.same(PLAIN, PLAIN.replace(stages=stages))
        assert self.same(PLAIN, PLAIN.replace(se=SqueezeExcite(divisor=8, activation="relu")))
        pooled = PLAIN.replace(head=Head(kind="pool", channels=7))
        assert self.same(pooled, PLAIN.replace(head=Head(kind="pool")))

    def test_squeeze_and_excitation_by_what_it_comes_to(self) -> None:
        excited = PLAIN.replace(stages=(Stage(channels=24, se=0.25),))
        assert self.same(excited, excited.replace(se=SqueezeExcite(activation="silu")))
        assert self.same(excited, excited.replace(se=SqueezeExcite(reduce="inner")))
        assert not self.same(excited, excited.replace(se=SqueezeExcite(gate="hard_sigmoid")))
        assert not self.same(excited, excited.replace(se=SqueezeExcite(activation="relu")))

    @pytest.mark.parametrize(
        "fields",
        [
            {"resolution": 33},
            {"in_channels": 1},
            {"num_classes": 10},
            {"stem": Stem(channels=16)},
            {"stem": Stem(stride=1)},
            {"stem": Stem(kind="patch", kernel=2)},
            {"head": Head(kind="pooled_norm")},
            {"stages": PLAIN.stages[:1]},
            {"head": Head(channels=1024)},
            {"head": Head(kind="pooled_conv")},
            {"activation": "relu"},
            {"batch_norm": BatchNorm(eps=1e-3)},
            {"padding": "same"},
            {"dropout": 0.3},
            {"drop_path": 0.3},
        ],
    )
    def test_whatever_else_differs_matters(self, fields: dict[str, Any]) -> None:
        assert not self.same(PLAIN, PLAIN.replace(**fields))

    def test_of_the_zoo_all_differ(self) -> None:
        assert len({arch.key() for arch in ZOO.values()}) == len(ZOO)

    def test_whole_numbers_spelt_either_way_are_one(self) -> None:
        whole = PLAIN.replace(batch_norm=BatchNorm(momentum=1), dropout=0)
        assert self.same(whole, PLAIN.replace(batch_norm=BatchNorm(momentum=1.0), dropout=0.0))


@pytest.mark.parametrize(
    "folder", ["pets", "x\\", " blank ", ".x", "..", "n" * 250, "", "a\nb", "é" * 90]
)
def test_a_network_may_be_called_after_any_folder(folder: str) -> None:
    name = name_after(folder, "_123456")
    assert ZOO["efficientnet_b0"].replace(name=name).name.endswith("_123456")
    assert name_after("pets") == "pets"
