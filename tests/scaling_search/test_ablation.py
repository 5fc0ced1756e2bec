import csv
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.networks.cost import cost
from scaling_search.grow.ablation import ablate, columns, kinds, write_ablation
from scaling_search.rule.compound import COMPOUND, PAPER
from search_spaces.errors import UserError
from search_spaces.yaml_io import load_arch, read_about
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")
NAMES = ("efficientnet_b0", "mobilenet_v1", "mobilenet_v2", "mnasnet_a1", "resnet50")


def multipliers(kind, value, constants=PAPER):
    if kind == "compound":
        return constants.multipliers(value)
    return COMPOUND.multipliers(**{kind: value})


@pytest.mark.parametrize("rounding", ["ceil", "round"])
@pytest.mark.parametrize("kind", kinds(COMPOUND))
def test_no_network_of_a_fine_grid_is_nearer(kind, rounding):
    low, high = (0.0, 3.0) if kind == "compound" else (1.0, 6.0)
    steps = [low + (high - low) * index / 400 for index in range(401)]
    ratios = [cost(multipliers(kind, v).apply(B0, rounding)).macs / cost(B0).macs for v in steps]
    for target in (1.7, 3.1):
        (found,) = (n for n in ablate(B0, [target], PAPER, rounding) if n.kind == kind)
        nearest = min(abs(ratio / target - 1) for ratio in ratios)
        assert abs(found.difference) <= nearest + 1e-12


@settings(max_examples=15)
@given(st.sampled_from(NAMES), st.floats(0.3, 9))
def test_what_is_said_of_a_network_makes_it_again(name, ratio):
    for found in ablate(zoo(name), [ratio], PAPER):
        about = found.about()
        value = about["phi"] if found.kind == "compound" else about[found.kind]
        again = multipliers(found.kind, value).apply(zoo(name))
        assert again.key() == found.arch.key()
        assert about["macs"] == cost(again).macs
        assert about["difference"] == pytest.approx(
            cost(again).macs / cost(zoo(name)).macs / ratio - 1, abs=1e-6
        )


def test_each_kind_changes_its_dimension_alone():
    for found in ablate(B0, [2, 4], PAPER):
        arch = found.arch
        repeats = [stage.repeats for stage in arch.stages]
        channels = [stage.channels for stage in arch.stages]
        changed = {
            "depth": repeats != [stage.repeats for stage in B0.stages],
            "width": channels != [stage.channels for stage in B0.stages],
            "resolution": arch.resolution != B0.resolution,
        }
        expected = {name: found.kind in (name, "compound") for name in changed}
        assert changed == expected
        assert abs(found.difference) < 0.02


def test_a_ratio_of_one_is_the_baseline():
    assert {found.arch.key() for found in ablate(B0, [1], PAPER)} == {B0.key()}


def test_a_small_ratio_gives_the_smallest_network_and_says_how_far_off_it_is():
    depth = next(found for found in ablate(B0, [0.25], PAPER) if found.kind == "depth")
    assert {stage.repeats for stage in depth.arch.stages} == {1}
    assert depth.difference == pytest.approx(cost(depth.arch).macs / cost(B0).macs * 4 - 1)


def test_multipliers_are_spelt_as_short_as_they_can_be():
    found = {each.kind: each for each in ablate(B0, [4], PAPER)}
    assert found["depth"].multipliers["depth"] == 3.7
    assert found["resolution"].multipliers["resolution"] == 2.0
    assert found["compound"].phi == 1.73


def test_files_are_networks_and_the_table_has_a_row_for_each(tmp_path):
    write_ablation(ablate(B0, [3], PAPER), tmp_path)
    networks = ablate(B0, [2, 4], COMPOUND.constants(alpha=1.3, beta=1.1, gamma=1.1))
    paths = write_ablation(networks, tmp_path)
    assert sorted(paths) == sorted((tmp_path / "ablation").iterdir())
    for each, path in zip(networks, paths, strict=True):
        assert load_arch(str(path)) == each.arch
        assert read_about(path) == each.about()
    with (tmp_path / "ablation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == columns(COMPOUND)
    assert [(row["kind"], int(row["macs"])) for row in rows] == [
        (each.kind, each.cost.macs) for each in networks
    ]
    assert [row["key"] for row in rows] == [load_arch(str(path)).key() for path in paths]


def test_a_network_grows_as_far_as_any_may():
    """Depth alone can bring B0 to the most layers, and no further."""
    deep = next(one for one in ablate(B0, [600.0], PAPER) if one.kind == "depth")
    assert sum(stage.repeats for stage in deep.arch.stages) <= 10_000
    assert deep.realised_ratio == pytest.approx(600, rel=0.01)
    with pytest.raises(UserError, match="depth scaling grows efficientnet_b0 to no more than 6"):
        ablate(B0, [700.0], PAPER)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(ablate, B0, [0], PAPER), "ratio: expected a number above 0"),
        (partial(ablate, B0, [float("nan")], PAPER), "ratio: expected a number above 0"),
        (partial(ablate, B0, [], PAPER), "ratios: expected at least one"),
        (partial(ablate, B0, [2, 2.0], PAPER), "each once"),
        (partial(ablate, B0, [2], COMPOUND.constants()), "at least one must be above 1"),
        (partial(ablate, B0, [1e5], PAPER), "grows efficientnet_b0 to no more than"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(UserError, match=message):
        call()


def test_no_framework_is_needed():
    code = (
        "import sys, scaling_search.grow.ablation;"
        "sys.exit([m for m in ('torch', 'ray', 'pandas', 'optuna') if m in sys.modules] or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
