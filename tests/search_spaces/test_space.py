"""Search spaces: what their YAML means, and that decode, encode and neighbours agree."""

import itertools
import math
import pickle
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.arch import Arch
from search_spaces.ends import Head, Stem
from search_spaces.errors import UserError
from search_spaces.space import Space, load_space
from search_spaces.stage import Stage
from search_spaces.zoo import zoo
from shipped import SHIPPED, SPACES, shipped


def small(**fields: object) -> Space:
    """A space over a base of two stages."""
    base = {
        "resolution": 32,
        "stages": [{"channels": 16}, {"channels": 24, "repeats": 2, "stride": 2}],
    }
    return load_space({"name": "small", "base": base, **fields})


class TestProperties:
    @given(name=st.sampled_from(SHIPPED), seed=st.integers(0, 2**32))
    @settings(max_examples=150, deadline=None)
    def test_encode_inverts_decode(self, name: str, seed: int) -> None:
        space = SPACES[name]
        params = space.sample(random.Random(seed))
        arch = space.decode(params)
        encoded = space.encode(arch)
        assert list(encoded) == [choice.name for choice in space.choices]
        assert space.decode(encoded).key() == arch.key()

    @given(name=st.sampled_from(SHIPPED[:2]), seed=st.integers(0, 2**32))
    @settings(max_examples=50, deadline=None)
    def test_different_params_are_different_networks_where_stages_stand_alone(
        self, name: str, seed: int
    ) -> None:
        params = SPACES[name].sample(random.Random(seed))
        assert SPACES[name].encode(SPACES[name].decode(params)) == params

    @given(name=st.sampled_from(SHIPPED), seed=st.integers(0, 2**32))
    @settings(max_examples=50, deadline=None)
    def test_encode_ignores_how_blocks_are_grouped(self, name: str, seed: int) -> None:
        space = SPACES[name]
        arch = space.decode(space.sample(random.Random(seed)))
        single = []
        for stage in arch.stages:
            first, rest = replaced(stage, repeats=1), replaced(stage, repeats=1, stride=1)
            single += [first, *[replaced(rest, continues=True)] * (stage.repeats - 1)]
        regrouped = arch.replace(stages=tuple(single), name="regrouped")
        assert space.decode(space.encode(regrouped)).key() == arch.key()

    @given(name=st.sampled_from(SHIPPED), seed=st.integers(0, 2**32))
    @settings(max_examples=50, deadline=None)
    def test_neighbours_differ_in_exactly_one_choice_and_are_all(
        self, name: str, seed: int
    ) -> None:
        space = SPACES[name]
        params = space.sample(random.Random(seed))
        found = list(space.neighbours(params))
        assert all(sum(n[c] != params[c] for c in params) == 1 for n in found)
        assert len({tuple(n.values()) for n in found}) == len(found)
        assert len(found) == sum(len(choice.options) - 1 for choice in space.choices)
        for neighbour in found:
            space.decode(neighbour)

    @given(name=st.sampled_from(SHIPPED), seed=st.integers(0, 2**32))
    @settings(max_examples=50, deadline=None)
    def test_samples_are_in_the_space_and_repeat_under_a_seed(self, name: str, seed: int) -> None:
        space = SPACES[name]
        params = space.sample(random.Random(seed))
        assert all(params[choice.name] in choice.options for choice in space.choices)
        assert params == shipped(name).sample(random.Random(seed))

    def test_every_network_of_a_small_space_is_found_again(self) -> None:
        space = small(
            vary={"kernel": [3, 5], "layers": [-1, 0, 1], "width": [0.5, 1, 1.5]},
            network={"resolution": [32, 48], "activation": ["relu", "silu"]},
        )
        every = [
            dict(zip((c.name for c in space.choices), values, strict=True))
            for values in itertools.product(*(c.options for c in space.choices))
        ]
        keys = {space.decode(params).key() for params in every}
        assert len(every) == space.size == len(keys)
        assert [space.encode(space.decode(params)) for params in every] == every


def replaced(stage: Stage, **fields: object) -> Stage:
    values = {name: getattr(stage, name) for name in stage.__dataclass_fields__}
    return Stage(**(values | fields))


class TestMeaning:
    def test_layers_and_width_are_relative_to_the_base(self) -> None:
        space = small(vary={"layers": [-1, 0, 1], "width": [1, 2]})
        first = {"s0_layers": 0, "s0_width": 1}
        arch = space.decode({**first, "s1_layers": -1, "s1_width": 2})
        assert (arch.stages[1].repeats, arch.stages[1].channels) == (1, 48)
        assert arch.name == "small"

    def test_a_stage_overrides_and_null_leaves_it_as_in_the_base(self) -> None:
        space = small(
            vary={"kernel": [3, 5], "expand": [1, 6]},
            stages={0: {"kernel": 5, "expand": None}, "1": {"expand": [6]}},
        )
        assert [choice.name for choice in space.choices] == ["s1_kernel"]
        stages = space.decode({"s1_kernel": 3}).stages
        assert [(s.kernel, s.expand) for s in stages] == [(5, 1.0), (3, 6.0)]

    def test_joint_choices_set_several_fields_at_once(self) -> None:
        space = small(
            vary={
                "op": {
                    "none": {"op": "identity"},
                    "wide": {"expand": 6, "width": 2},
                    "fused": {"op": "fused", "kernel": 5, "layers": 1},
                }
            }
        )
        assert space.choices[0].options == ("none", "wide", "fused")
        assert not space.choices[0].ordered
        arch = space.decode({"s0_op": "wide", "s1_op": "fused"})
        assert arch.stages == (
            Stage(channels=32, expand=6.0),
            Stage(op="fused", channels=24, kernel=5, repeats=3, stride=2),
        )

    def test_what_the_chosen_kind_of_block_does_not_take_has_no_effect(self) -> None:
        space = small(stages={1: {"op": ["mbconv", "identity"], "kernel": [3, 5], "se": [0, 0.25]}})
        made = {
            (op, kernel, se): space.decode({"s1_op": op, "s1_kernel": kernel, "s1_se": se})
            for op in ("mbconv", "identity")
            for kernel in (3, 5)
            for se in (0, 0.25)
        }
        assert made["mbconv", 5, 0.25].stages[1].kernel == 5
        assert made["mbconv", 5, 0.25].stages[1].se == 0.25
        assert len({arch.key() for arch in made.values()}) == 5
        for (op, kernel, se), arch in made.items():
            again = space.decode(space.encode(arch))
            assert again.key() == arch.key(), (op, kernel, se)

    def test_labels_that_are_numbers_are_ordered(self) -> None:
        space = small(stages={0: {"se": {1: {"se": 0.25}, 0: {"se": 0}}}})
        assert space.choices[0].options == (0, 1)
        assert space.choices[0].ordered
        assert space.decode({"s0_se": 1}).stages[0].se == 0.25

    def test_options_that_make_the_same_stage_are_merged(self) -> None:
        def options(vary: object) -> list[tuple[object, ...]]:
            return [choice.options for choice in small(stages={0: vary}).choices]

        assert options({"layers": [-1, 0, 1]}) == [(0, 1)]
        assert options({"layers": [-3, -2, 1]}) == [(-2, 1)]
        assert options({"width": [0.9, 1.1, 1, 2]}) == [(1, 2)]
        assert options({"kernel": [5, 3, 5]}) == [(3, 5)]
        same = {"a": {"op": "identity"}, "b": {"op": "identity", "kernel": 3, "repeats": 2}}
        assert options({"op": same}) == []
        assert options({"op": {**same, "c": {"kernel": 5}}}) == [("a", "c")]

    def test_numbers_of_a_choice_are_of_one_type(self) -> None:
        space = small(stages={0: {"se": [0, 0.25], "expand": [6.0, 3]}})
        assert [[type(o) for o in c.options] for c in space.choices] == [[float] * 2, [int] * 2]
        assert space.choices[1].options == (3, 6)

    def test_the_whole_network_may_vary(self) -> None:
        space = small(network={"resolution": [48, 32], "activation": ["silu", "relu"]})
        assert [(c.name, c.options, c.ordered) for c in space.choices] == [
            ("resolution", (32, 48), True),
            ("activation", ("silu", "relu"), False),
        ]
        arch = space.decode({"resolution": 48, "activation": "relu"})
        assert (arch.resolution, arch.activation) == (48, "relu")
        assert small(network={"resolution": 48}).decode({}).resolution == 48

    def test_bases_may_be_zoo_names_files_or_inline(self, tmp_path: Path) -> None:
        file = tmp_path / "base.yaml"
        file.write_text("stages: [{channels: 8}]\n")
        assert load_space({"base": str(file)}).base.stages == (Stage(channels=8),)
        assert load_space({"base": "mobilenet_v2"}).base.key() == zoo("mobilenet_v2").key()

    def test_spaces_of_any_size(self) -> None:
        fixed = small()
        assert (fixed.size, fixed.choices, fixed.sample(random.Random(0))) == (1, (), {})
        assert fixed.encode(fixed.decode({})) == {}
        assert list(fixed.neighbours({})) == []
        one = small(stages={0: {"kernel": [3, 5]}})
        assert one.size == 2
        assert list(one.neighbours({"s0_kernel": 3})) == [{"s0_kernel": 5}]
        many = small(stages={0: {"channels": list(range(1, 10_001))}})
        assert many.size == 10_000
        assert many.encode(many.decode({"s0_channels": 9_999})) == {"s0_channels": 9_999}

    def test_copies_and_pickles(self) -> None:
        space = SPACES["mnasnet"]
        copy = pickle.loads(pickle.dumps(space))
        params = space.sample(random.Random(0))
        assert copy == space
        assert copy.decode(params) == space.decode(params)


class TestEncode:
    def test_bottlenecks_pool_and_shared_blocks(self) -> None:
        """Two stages of equal blocks: which of them a block belongs to is found out."""
        base = {
            "resolution": 32,
            "stages": [{"channels": 32}, {"channels": 32}],
            "head": {"kind": "pool"},
        }
        space = load_space({"base": base, "vary": {"layers": [0, 1, 2], "kernel": [3, 5]}})
        stages = (Stage(channels=32, repeats=2), Stage(channels=32, kernel=5, repeats=3))
        arch = Arch(resolution=32, stages=stages, head=Head(kind="pool", channels=7))
        assert space.encode(arch) == {
            "s0_layers": 1,
            "s0_kernel": 3,
            "s1_layers": 2,
            "s1_kernel": 5,
        }

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"resolution": 64}, "resolution: expected 32, got 64"),
            ({"stem": Stem(channels=16)}, "stem: expected Stem("),
            ({"stages": (Stage(channels=16, kernel=7),)}, "no options of stage 0 make block 0"),
            ({"stages": (Stage(channels=16),)}, "it ends after 1 blocks, before stage 1"),
            (
                {"stages": (Stage(channels=16), *[Stage(channels=24, stride=2)] * 2)},
                "block 2 (dsconv of kernel 3 and stride 2",
            ),
        ],
    )
    def test_says_why_a_network_is_not_in_the_space(
        self, change: dict[str, object], told: str
    ) -> None:
        space = small(vary={"kernel": [3, 5], "layers": [-1, 0]})
        params = {"s0_kernel": 3, "s1_kernel": 3, "s1_layers": 0}
        arch = space.decode(params).replace(name="other", **change)
        with pytest.raises(UserError) as error:
            space.encode(arch)
        assert str(error.value).startswith("other is not in space small: ")
        assert told in str(error.value)


class TestMistakes:
    @pytest.mark.parametrize(
        ("params", "told"),
        [
            ({}, "choice 's0_kernel' of space small is missing"),
            ({"s0_kernel": 4}, "s0_kernel: expected one of 3, 5, got 4"),
            ({"s0_kernel": "3"}, "s0_kernel: expected one of 3, 5, got '3'"),
            ({"s0_kernel": [3]}, "s0_kernel: expected one of 3, 5, got [3]"),
            ({"s0_kernal": 3}, "no choice 's0_kernal' in space small; did you mean 's0_kernel'?"),
            ({"s0_kernel": 3, "x": 1}, "no choice 'x' in space small; expected one of: s0_kernel"),
        ],
    )
    def test_params(self, params: dict[str, object], told: str) -> None:
        space = small(stages={0: {"kernel": [3, 5]}})
        with pytest.raises(UserError) as error:
            space.decode(params)  # type: ignore[arg-type]
        assert str(error.value) == told

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"varry": {}}, "space: unknown field 'varry'; did you mean 'vary'?"),
            ({"name": 3}, "space.name: expected a string, got 3"),
            ({"vary": [3]}, "space.vary: expected a mapping, got [3]"),
            ({"base": None}, "space: missing field 'base'"),
            ({"base": {"stages": [{"channels": "x"}]}}, "space.base.stages[0].channels: expected"),
            ({"base": "efficientnet_b00"}, "space.base: 'efficientnet_b00' is neither"),
            (
                {"vary": {"kernal": [3]}},
                "space.vary.kernal: unknown field 'kernal'; did you mean 'kernel'?",
            ),
            ({"vary": {"kernel": []}}, "space.vary.kernel: expected at least one option"),
            (
                {"vary": {"kernel": [3, 4]}},
                "space.vary.kernel[1]: expected an odd number, got 4",
            ),
            (
                {"stages": {1: {"kernel": [3, "five"]}}},
                "space.stages.1.kernel[1]: expected an integer, got 'five'",
            ),
            ({"stages": {2: {}}}, "space.stages: expected indexes from 0 to 1, got 2"),
            ({"stages": {"x": {}}}, "space.stages: expected indexes from 0 to 1, got x"),
            ({"vary": {"layers": [0.5]}}, "space.vary.layers[0]: expected layers to add or leave"),
            ({"vary": {"width": [-1]}}, "space.vary.width[0]: expected a multiplier above 0"),
            (
                {"vary": {"op": {"a": {"kernel": 3}, "b": {"kernel": 2}}}},
                "space.vary.op.b.kernel: expected an odd number, got 2",
            ),
            (
                {"vary": {"op": {"a": {"size": 3}}}},
                "space.vary.op.a: unknown field 'size'",
            ),
            ({"vary": {"op": {"a": 3}}}, "space.vary.op.a: expected a mapping of the fields"),
            ({"vary": {"op": {}}}, "space.vary.op: expected at least one label"),
            (
                {"vary": {"kernel": [3, 5], "op": {"a": {"kernel": 3}, "b": {"kernel": 5}}}},
                "space.vary.op: sets the kernel of stage 0, as does 'kernel'",
            ),
            (
                {"vary": {"repeats": [1, 2], "layers": [0, 1]}},
                "space.vary.layers: sets the repeats of stage 0, as does 'repeats'",
            ),
            (
                {"vary": {"op": ["mbconv", "identity"], "groups": [1, 2]}},
                "space.vary.groups: identity and mbconv take no groups",
            ),
            (
                {"vary": {"groups": [1, 2]}},
                "space.vary.groups: mbconv takes no groups",
            ),
            (
                {"vary": {"op": {"none": {"op": "identity", "expand": 6}}}},
                "space.vary.op.none: op identity, expand 6.0 cannot be: expand: identity takes",
            ),
            ({"vary": {"op": "mbcnov"}}, "space.vary.op: got 'mbcnov'; did you mean 'mbconv'?"),
            (
                {"network": {"resolution": [32, 0]}},
                "space.network.resolution[1]: expected at least 1, got 0",
            ),
            (
                {"network": {"resolution": [32, 1]}},
                "space.network.resolution[1]: resolution 1 cannot be: stem",
            ),
            ({"network": {"padding": ["same"]}}, "space.network: unknown field 'padding'"),
        ],
    )
    def test_yaml(self, fields: dict[str, object], told: str) -> None:
        with pytest.raises(UserError) as error:
            small(**fields)
        assert told in str(error.value)
        assert "\n" not in str(error.value)

    def test_neighbours_of_what_is_not_in_the_space(self) -> None:
        with pytest.raises(UserError, match="expected one of 3, 5, got 7"):
            list(small(stages={0: {"kernel": [3, 5]}}).neighbours({"s0_kernel": 7}))

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"vary": {"channels": list(range(1, 20_000))}}, "39998 options; expected at most"),
            (
                {"vary": {"a": {i: {"kernel": 3, "se": 0.1} for i in range(9999)}}},
                "39996 options; expected at most 20000 in all",
            ),
            ({"vary": {"repeats": [1, 9999]}}, "up to 19998 layers in all; expected at most 10000"),
            ({"vary": {"layers": [0, 9990]}}, "up to 19983 layers in all; expected at most 10000"),
            ({"vary": {"layers": [0, 10**9]}}, "vary.layers[1]: expected layers to add or leave"),
            ({"vary": {"width": [1, 1e300]}}, "vary.width[1]: expected a multiplier above 0 and"),
            ({"vary": {"width": [1, math.nan]}}, "vary.width[1]: expected a multiplier above 0"),
            ({"vary": {"a": {math.nan: {"kernel": 3}}}}, "expected a word or a number as label"),
            ({"vary": {"a": {"\x1b[2J": {"kernel": 3}}}}, "expected a word or a number as label"),
            ({"vary": {"a": {"x" * 61: {"kernel": 3}}}}, "expected a word or a number as label"),
            ({"vary": {"x" * 5000: {"a": {"kernel": 3}}}}, "expected a name of up to 60 small"),
            ({"stages": {0: {"kernel": 3}, "0": {"op": "conv"}}}, "space.stages.0: is given twice"),
            ({"stages": {"9" * 5000: {"kernel": 3}}}, "expected indexes from 0 to 1, got 9999"),
            ({"name": "../../ESC"}, "space.name: expected printable letters without /"),
            ({"network": {"resolution": [32, 10**6]}}, "resolution[1]: expected at most 65536"),
        ],
    )
    def test_more_than_a_space_can_be(self, fields: dict[str, object], told: str) -> None:
        with pytest.raises(UserError) as caught:
            small(**fields)
        assert told in str(caught.value)
        assert len(str(caught.value)) < 300

    def test_choices_have_a_limit(self) -> None:
        stages = [{"channels": 8, "repeats": 2}] * 400
        vary = {"kernel": [3, 5], "layers": [0, 1], "width": [1, 2]}
        with pytest.raises(UserError, match=r"^space: 1200 choices; expected at most 1000$"):
            load_space({"base": {"stages": stages}, "vary": vary})

    def test_too_many_ways_to_make_a_stage_are_not_looked_through(self) -> None:
        wide = {"channels": list(range(8, 400)), "layers": list(range(30)), "kernel": [3, 5, 7]}
        space = small(stages={0: wide})
        with pytest.raises(UserError, match="stage 0 can be made in 35280 ways, too many to look"):
            space.encode(space.decode(space.sample(random.Random(0))))
