from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.networks.cost import cost
from scaling_search.grow.grid import counted, make_grid
from scaling_search.grow.grid_points import GridSettings, nominal_points
from scaling_search.rule.compound import COMPOUND, PAPER
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")


def test_most_points_of_the_papers_grid_are_the_same_network():
    grid = make_grid(B0, GridSettings(phi=1, step=0.05, max=1.4, tolerance=0.1))
    assert (grid.points, len(grid.candidates)) == (75, 46)
    assert grid.realised_range == pytest.approx((1.93, 3.33), abs=0.005)
    (papers,) = (c for c in grid.candidates if PAPER in c.points)
    assert papers.realised_ratio == pytest.approx(2.57, abs=0.005)
    assert papers.constants.values == (1.25, 1.1, 1.15), "of its two points the nearer to 2"


def test_candidates_are_distinct_and_priced_as_built():
    grid = make_grid(B0, GridSettings())
    assert len({candidate.arch.key() for candidate in grid.candidates}) == len(grid.candidates)
    for candidate in grid.candidates:
        for point in candidate.points:
            assert point.multipliers(1).apply(B0).key() == candidate.arch.key()
        assert candidate.cost.macs == cost(candidate.arch).macs
        assert candidate.realised_ratio == candidate.cost.macs / cost(B0).macs


@pytest.mark.parametrize("name", ["macs", "params", "activations"])
def test_candidates_are_priced_by_what_is_asked_for(name):
    settings = GridSettings(constraint="realised", within=0.05)
    grid = make_grid(B0, settings, counted(name))
    for candidate in grid.candidates:
        ratio = getattr(candidate.cost, name) / getattr(cost(B0), name)
        assert candidate.realised_ratio == ratio == pytest.approx(2, rel=0.05 + 1e-6)


@pytest.mark.parametrize(("tolerance", "admitted"), [(0.08, True), (0.0798, True), (0.0797, False)])
def test_a_tight_tolerance_rejects_the_papers_own_answer(tolerance, admitted):
    assert (PAPER in nominal_points(GridSettings(tolerance=tolerance))) is admitted


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["0.04", "0.05", "0.1", "0.15"]),
    st.sampled_from(["1.2", "1.4", "1.5"]),
    st.integers(1, 30),
)
def test_points_are_exactly_those_of_a_plain_enumeration(step, largest, hundredths):
    values, tolerance = [Fraction(1)], Fraction(hundredths, 100)
    while values[-1] + Fraction(step) <= Fraction(largest):
        values.append(values[-1] + Fraction(step))
    expected = [
        COMPOUND.constants(alpha=float(a), beta=float(b), gamma=float(c))
        for a in values
        for b in values
        for c in values
        if abs(a * b**2 * c**2 - 2) <= tolerance
    ]
    grid = GridSettings(step=float(step), max=float(largest), tolerance=hundredths / 100)
    if expected:
        assert nominal_points(grid) == expected
    else:
        with pytest.raises(UserError, match="the nearest is"):
            nominal_points(grid)


def test_a_larger_phi_and_rounding_to_nearest_tell_more_candidates_apart():
    networks = {
        (phi, rounding): len(
            make_grid(B0, GridSettings(phi=phi, depth_rounding=rounding)).candidates
        )
        for phi in (1, 2)
        for rounding in ("ceil", "round")
    }
    assert networks == {(1, "ceil"): 46, (1, "round"): 56, (2, "ceil"): 62, (2, "round"): 71}


def test_the_realised_constraint_is_about_what_is_built():
    grid = make_grid(B0, GridSettings(constraint="realised", within=0.05))
    assert len(grid.candidates) > 5
    low, high = grid.realised_range
    assert 1.9 <= low <= high <= 2.1
    assert [candidate.index for candidate in grid.candidates] == list(range(len(grid.candidates)))


def test_a_price_of_ones_own_decides_the_realised_ratio():
    grid = make_grid(B0, GridSettings(), price=lambda arch: float(arch.resolution))
    assert all(c.realised_ratio == c.arch.resolution / 224 for c in grid.candidates)


def test_no_candidate_left_says_what_the_nearest_would_need():
    with pytest.raises(UserError, match=r"needs a tolerance of 0\.1970"):
        make_grid(B0, GridSettings(step=0.3, tolerance=0.01))
    with pytest.raises(UserError, match=r"which needs 0\.1131"):
        make_grid(B0, GridSettings(step=0.2, max=1.2, constraint="realised", within=0.001))


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        ({"step": 0}, "step"),
        ({"step": 1e-4}, "step"),
        ({"max": 0.9}, "max"),
        ({"phi": -1}, "phi"),
        ({"tolerance": -0.1}, "tolerance"),
        ({"ratio": 1}, "ratio"),
        ({"depth_rounding": "floor"}, "depth_rounding"),
        ({"constraint": "latency"}, "constraint"),
    ],
)
def test_impossible_settings_are_refused_by_name(bad, where):
    with pytest.raises(UserError, match=f"^{where}: "):
        GridSettings(**bad)
