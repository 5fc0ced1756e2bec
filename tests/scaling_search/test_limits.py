"""A family that can be built: monotone, within its limits, with its baseline as b0."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nas.networks.cost import cost
from scaling_search.grow.family import about, formula_family, published_family
from scaling_search.grow.limits import LimitedGrowth, Limits
from scaling_search.grow.members import Member
from scaling_search.rule.compound import COMPOUND, PAPER
from scaling_search.rule.rule import Constants
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")
NAMES = ("efficientnet_b0", "mobilenet_v2", "resnet50", "convnext_tiny", "efficientnet_v2_s")
UNLIMITED = Limits(resolution_max=None)


def constants(values: tuple[float, float, float]) -> Constants:
    return COMPOUND.constants(**dict(zip(COMPOUND.constant_names, values, strict=True)))


grown_by = st.tuples(*[st.floats(1, 1.4)] * 3).filter(lambda each: max(each) > 1.02).map(constants)
some_phis = st.lists(st.floats(-2, 7).map(lambda phi: round(phi, 3)), min_size=1, max_size=5)
multiples = st.sampled_from((None, 1, 8, 32))
roundings = st.sampled_from(("ceil", "round"))


@st.composite
def limits_for(draw: st.DrawFn, baseline: Arch) -> Limits:
    """Limits that the baseline keeps."""
    price = cost(baseline)
    times = st.none() | st.floats(1, 30)
    macs, params = draw(times), draw(times)
    pixels = draw(st.none() | st.integers(baseline.resolution + 32, 900))
    return Limits(
        macs_max=None if macs is None else macs * price.macs,
        params_max=None if params is None else params * price.params,
        resolution_max=pixels,
        resolution_multiple=draw(multiples),
    )


def family(baseline: Arch, grown: Constants, phis: list[float], rounding: str, limits: Limits
           ) -> tuple[Member, ...]:  # fmt: skip
    """The family, where there is one."""
    try:
        return formula_family(baseline, grown, phis, rounding, limits)  # type: ignore[arg-type]
    except UserError:
        assume(False)
        raise


@given(st.sampled_from(NAMES), grown_by, some_phis, roundings, st.data())
def test_members_keep_the_limits_and_never_shrink(
    name: str, grown: Constants, phis: list[float], rounding: str, data: st.DataObject
) -> None:
    baseline = zoo(name)
    limits = data.draw(limits_for(baseline))
    members = family(baseline, grown, sorted({*phis} - {0.0}), rounding, limits)
    assert [each.phi for each in members] == sorted(each.phi for each in members)
    for less, more in pairwise(members):
        for size in ("macs", "params", "activations"):
            assert getattr(less.cost, size) <= getattr(more.cost, size)
        assert less.arch.resolution <= more.arch.resolution
        for one, other in zip(less.arch.stages, more.arch.stages, strict=True):
            assert one.repeats <= other.repeats
            assert one.channels <= other.channels
    for member in members:
        assert limits.exceeded(member.cost) == ""
        assert limits.macs_max is None or member.cost.macs <= limits.macs_max
        assert limits.params_max is None or member.cost.params <= limits.params_max
        assert limits.resolution_max is None or member.arch.resolution <= limits.resolution_max
        multiple = limits.resolution_multiple or 1
        pixels = member.arch.resolution
        assert pixels == baseline.resolution or pixels % multiple == 0


@given(st.sampled_from(NAMES), grown_by, roundings, st.data())
def test_the_baseline_is_b0_whatever_the_limits(
    name: str, grown: Constants, rounding: str, data: st.DataObject
) -> None:
    baseline = zoo(name)
    members = family(baseline, grown, [-0.5, 2.0], rounding, data.draw(limits_for(baseline)))
    (b0,) = (each for each in members if each.label == "b0")
    assert b0.arch.key() == baseline.key()
    assert b0.realised_ratio == 1


@given(grown_by, st.floats(0, 9))
def test_pixels_that_are_not_spent_go_to_depth_and_width(grown: Constants, phi: float) -> None:
    growth = LimitedGrowth.of(B0, grown, Limits(resolution_max=300), "ceil")
    asked, held = grown.multipliers(phi), growth.multipliers(phi)
    assert held["resolution"] <= 300 / 224
    if max(grown["alpha"], grown["beta"]) > 1.001:
        assert held.nominal_ratio() == pytest.approx(asked.nominal_ratio())
    if asked["resolution"] <= 300 / 224:
        assert held == asked


def test_what_is_held_back_is_said_of_the_member_and_in_its_file() -> None:
    members = formula_family(B0, COMPOUND.constants(alpha=1.0, beta=1.1, gamma=1.3))
    assert [member.arch.resolution for member in members[-3:]] == [600] * 3
    assert [bool(member.limited) for member in members] == [False] * 5 + [True] * 3
    assert about(members[-1])["limited"] == "resolution_max 600"
    assert "limited" not in about(members[0])


def test_the_papers_family_is_within_the_usual_limits() -> None:
    usual, unlimited = formula_family(B0, PAPER), formula_family(B0, PAPER, limits=UNLIMITED)
    assert [each.arch for each in usual] == [each.arch for each in unlimited]
    assert not any(each.limited for each in usual)
    assert not any(each.limited for each in published_family(B0))


def test_the_first_that_costs_too_much_is_lowered_and_the_others_are_left_out() -> None:
    limits = Limits(macs_max=2e9)
    *_, last = formula_family(B0, PAPER, [1, 2, 3, 4], limits=limits)
    assert (last.label, last.cost.macs <= 2e9) == ("b3", True)
    assert 2 < last.phi < 3
    (said,) = last.limited
    assert said == f"macs_max 2,000,000,000: φ = {last.phi:g} in place of 3; left out φ = 4"
    beyond = LimitedGrowth.of(B0, PAPER, limits, "ceil").arch(last.phi + 1e-6)
    assert cost(beyond).macs > 2e9
    assert about(last)["phi"] == last.phi


def test_where_resolution_alone_grows_the_limit_ends_the_family() -> None:
    members = formula_family(B0, COMPOUND.constants(gamma=1.3), [2, 3, 4, 5, 6])
    assert [member.arch.resolution for member in members] == [224, 379, 492, 600]
    assert members[-1].limited == (
        "resolution_max 600",
        "resolution_max 600: no other dimension grows; left out φ = 5, 6",
    )


def test_pixels_are_multiples_but_for_the_baselines() -> None:
    limits = Limits(resolution_multiple=32)
    pixels = [each.arch.resolution for each in formula_family(B0, PAPER, limits=limits)]
    assert pixels == [224, 256, 256, 288, 352, 448, 512, 576]
    odd = B0.replace(resolution=230)
    for phi, nearest in ((0.1, 256), (1.5, 288), (-0.1, 224)):
        members = formula_family(odd, PAPER, [phi], limits=limits)
        assert {each.arch.resolution for each in members} == {230, nearest}


def test_published_rows_keep_the_limits_too() -> None:
    large = zoo("efficientnet_v2_s")
    assert [each.arch.resolution for each in published_family(large)][-4:] == [600] * 4
    members = published_family(B0, Limits(params_max=10e6))
    assert [member.label for member in members] == ["b0", "b1", "b2"]
    assert members[-1].limited == ("params_max 10,000,000: left out b3, b4, b5, b6, b7",)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"macs_max": 1e6}, "family.macs_max: efficientnet_b0 itself has 385,814,752 MACs; "),
        ({"params_max": 1e6}, "family.params_max: efficientnet_b0 itself has 5,288,548 param"),
        ({"resolution_max": 200}, "family.resolution_max: efficientnet_b0 itself has 224 pix"),
        ({"macs_max": 390e6}, "family.macs_max 390,000,000: left out φ = 1: no network but the b"),
        (
            {"resolution_max": 250, "resolution_multiple": 100},
            "family.resolution_multiple: no multiple of 100 lies between the 224 px of",
        ),
    ],
)
def test_limits_that_leave_no_family_are_refused(limits: dict[str, float], message: str) -> None:
    with pytest.raises(UserError) as caught:
        formula_family(B0, PAPER, [1], limits=Limits(**limits))  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("phi", [2700.0, 3000.0, 1e6])
def test_a_phi_beyond_all_numbers_is_refused(phi: float) -> None:
    with pytest.raises(UserError, match=r"too large|multiplier of at most"):
        formula_family(B0, PAPER, [phi])


def test_pixels_beyond_all_numbers_are_held_too() -> None:
    assert formula_family(B0, COMPOUND.constants(gamma=1.3), [2700.0])[-1].arch.resolution == 600
