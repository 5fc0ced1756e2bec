import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_search.rule.compound import COMPOUND, PAPER, PUBLISHED
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

constant = st.floats(1.0, 1.6)


def test_the_papers_product_is_not_two():
    assert PAPER.product() == pytest.approx(1.9203, abs=5e-5)


@given(constant, constant, constant, st.floats(-2, 8))
def test_nominal_ratio_is_the_product_to_the_phi(alpha, beta, gamma, phi):
    constants = COMPOUND.constants(alpha=alpha, beta=beta, gamma=gamma)
    assert constants.nominal_ratio(phi) == pytest.approx(constants.product() ** phi)
    assert constants.multipliers(phi)["width"] == beta**phi


@pytest.mark.parametrize("bad", [0.9, -1.2, math.nan, math.inf])
def test_a_constant_below_one_is_refused_by_name(bad):
    with pytest.raises(UserError, match=r"^beta: expected a number of at least 1"):
        COMPOUND.constants(alpha=1.2, beta=bad, gamma=1.1)


def test_a_phi_that_overflows_is_refused():
    with pytest.raises(UserError, match="too large"):
        PAPER.multipliers(1e6)


def test_published_rows_hold_the_papers_resolutions():
    assert [row.resolution for row in PUBLISHED] == [224, 240, 260, 300, 380, 456, 528, 600]
    assert PUBLISHED[3].multipliers().apply(zoo("efficientnet_b0")).resolution == 300


def test_depth_rounding_decides_how_layers_grow():
    baseline = zoo("efficientnet_b0")
    up = PAPER.multipliers(1).apply(baseline, "ceil")
    nearest = PAPER.multipliers(1).apply(baseline, "round")
    assert [stage.repeats for stage in up.stages] == [2, 3, 3, 4, 4, 5, 2]
    assert [stage.repeats for stage in nearest.stages] == [1, 2, 2, 4, 4, 5, 1]


@pytest.mark.parametrize("phi", [45.0, 5000.0])
def test_more_pixels_than_any_network_takes_blame_the_multiplier(phi):
    with pytest.raises(
        UserError, match=r"^resolution: .* times 224 pixels; expected at most 65536"
    ):
        COMPOUND.constants(gamma=1.15).multipliers(phi).apply(zoo("efficientnet_b0"))


def test_more_layers_than_any_network_has_blame_the_multiplier():
    with pytest.raises(UserError, match=r"^depth × 1469.77, .*layers"):
        COMPOUND.constants(alpha=1.2).multipliers(40).apply(zoo("efficientnet_b0"))
