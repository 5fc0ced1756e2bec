"""Rules of other dimensions than the paper's: everything that grows networks follows them."""

import csv
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.networks.cost import cost
from scaling_search.grow.ablation import ablate, kinds, write_ablation
from scaling_search.grow.family import about, formula_family, read_constants
from scaling_search.grow.grid import make_grid
from scaling_search.grow.grid_points import GridSettings, nominal_points
from scaling_search.rule.compound import COMPOUND, PAPER
from scaling_search.rule.rule import Rule
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")
DEPTH, WIDTH, RESOLUTION = COMPOUND
DEPTH_AND_WIDTH = Rule((DEPTH, WIDTH))
RULES = (COMPOUND, DEPTH_AND_WIDTH, Rule((RESOLUTION, DEPTH)), Rule((WIDTH,)))


def test_the_papers_rule_is_named_as_in_the_paper():
    assert COMPOUND.names == ("depth", "width", "resolution")
    assert COMPOUND.constant_names == ("alpha", "beta", "gamma")
    assert COMPOUND.symbols == "α, β, γ"
    assert COMPOUND.formula == "α·β²·γ²"
    assert PAPER.named() == {"alpha": 1.2, "beta": 1.1, "gamma": 1.15}


@pytest.mark.parametrize(("exponent", "formula"), [(1, "α"), (3, "α³"), (4, "α⁴"), (10, "α¹⁰")])
def test_a_formula_has_whatever_exponent_a_dimension_has(exponent, formula):
    assert Rule((replace(DEPTH, exponent=exponent),)).formula == formula


@pytest.mark.parametrize("exponent", [0, -1, 1.5, True])
def test_an_exponent_of_which_no_grid_can_be_made_is_refused(exponent):
    expected = r"^depth: exponent: expected a whole number of at least 1, got "
    with pytest.raises(UserError, match=expected):
        replace(DEPTH, exponent=exponent)


@given(st.lists(st.fractions(1, 2), min_size=3, max_size=3))
def test_a_product_of_fractions_is_exact(values):
    depth, width, resolution = values
    assert COMPOUND.product(values) == depth * width**2 * resolution**2
    assert isinstance(COMPOUND.product(values), Fraction)


def test_a_dimension_left_out_does_not_grow():
    assert COMPOUND.constants(gamma=1.3).values == (1, 1, 1.3)
    assert COMPOUND.multipliers(depth=2).apply(B0).resolution == B0.resolution
    assert DEPTH_AND_WIDTH.constants(beta=1.2).multipliers(2).apply(B0).resolution == B0.resolution


def test_a_dimension_that_a_rule_lacks_is_refused_by_name():
    with pytest.raises(UserError, match=r"^gamma: no such dimension; expected some of alpha, beta"):
        DEPTH_AND_WIDTH.constants(alpha=1.2, gamma=1.1)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: "_".join(rule.names))
def test_a_grid_keeps_the_constraint_of_its_rule(rule):
    settings = GridSettings(step=0.1, max=1.5, tolerance=0.2)
    points = nominal_points(settings, rule)
    assert points == sorted(points, key=lambda point: point.values)
    for point in points:
        assert abs(point.product() - 2) <= 0.2 + 1e-9
    candidates = make_grid(B0, settings, rule=rule).candidates
    assert sorted(p.values for c in candidates for p in c.points) == [p.values for p in points]
    for candidate in candidates:
        assert candidate.multipliers.apply(B0).key() == candidate.arch.key()


def test_no_point_names_what_the_rule_asks_for():
    with pytest.raises(UserError, match=r"^tolerance: no α, β from 1 to 1\.2 .* has α·β² within"):
        nominal_points(GridSettings(max=1.2, tolerance=0.01), DEPTH_AND_WIDTH)


def test_a_family_says_the_constants_of_its_rule_alone():
    constants = DEPTH_AND_WIDTH.constants(alpha=1.3, beta=1.2)
    b0, b1 = formula_family(B0, constants, [1])
    assert about(b1).keys() & {"alpha", "beta", "gamma"} == {"alpha", "beta"}
    assert about(b1).keys() & {"depth", "width", "resolution"} == {"depth", "width"}
    assert b1.arch.resolution == b0.arch.resolution
    assert about(b1)["nominal_ratio"] == pytest.approx(1.3 * 1.2**2)


def test_constants_are_read_by_the_names_of_the_rule(tmp_path):
    path = tmp_path / "constants.yaml"
    path.write_text("alpha: 1.3\nbeta: 1.1\n")
    assert read_constants(path, DEPTH_AND_WIDTH).values == (1.3, 1.1)
    with pytest.raises(UserError, match="gamma: expected a number, got None"):
        read_constants(path)
    path.write_text("alpha: 1.3\nbeta: 1.1\ngamma: 1.2\n")
    with pytest.raises(UserError, match="'gamma': expected alpha and beta, and nothing else"):
        read_constants(path, DEPTH_AND_WIDTH)
    path.write_text("[]")
    with pytest.raises(UserError, match=r"expected a mapping with alpha and beta$"):
        read_constants(path, DEPTH_AND_WIDTH)


def test_an_ablation_has_a_kind_a_dimension_and_one_of_all(tmp_path):
    constants = DEPTH_AND_WIDTH.constants(alpha=1.3, beta=1.2)
    networks = ablate(B0, [2], constants)
    assert kinds(DEPTH_AND_WIDTH) == ("depth", "width", "compound")
    assert [each.kind for each in networks] == ["depth", "width", "compound"]
    write_ablation(networks, tmp_path)
    with (tmp_path / "ablation.csv").open() as file:
        (header, *_) = csv.reader(file)
    assert header[5:10] == ["phi", "alpha", "beta", "depth", "width"]
    assert "gamma" not in header


@pytest.mark.parametrize("name", ["efficientnet_b0", "resnet50"])
def test_realised_growth_is_the_same_wherever_it_is_said(name):
    baseline = zoo(name)
    for member in formula_family(baseline, PAPER, [1, 2]):
        realised = COMPOUND.realised(member.arch, baseline)
        assert member.realised == realised
        assert member.built() == {f"realised_{n}": round(v, 6) for n, v in realised.named().items()}
        channels = [sum(stage.channels for stage in a.stages) for a in (member.arch, baseline)]
        assert realised["width"] == channels[0] / channels[1]


def test_realised_ratios_are_of_what_was_built():
    for member in formula_family(B0, PAPER):
        assert member.realised_ratio == cost(member.arch).macs / cost(B0).macs
