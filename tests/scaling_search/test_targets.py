"""`targets=`: each member is the nearest to what it was to cost, of all that a φ makes."""

import bisect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.networks.cost import cost
from nas.searches.pricing import COUNTED
from scaling_search.grow.family import about
from scaling_search.grow.limits import LimitedGrowth, Limits
from scaling_search.grow.targets import target_family
from scaling_search.rule.compound import COMPOUND, PAPER
from search_spaces.arch import Arch
from search_spaces.errors import UserError
from search_spaces.rounding import DepthRounding
from search_spaces.zoo import zoo

B0 = zoo("efficientnet_b0")
NAMES = ("efficientnet_b0", "mobilenet_v2", "resnet50", "convnext_tiny")
MACS = COUNTED["macs"]
EVEN = Limits(resolution_multiple=32)


def steps(baseline: Arch, limits: Limits, rounding: str = "ceil") -> list[float]:
    """The MACs of all networks that φ from 0 to 4 makes, in steps of 1/400."""
    growth = LimitedGrowth.of(baseline, PAPER, limits, rounding)  # type: ignore[arg-type]
    return sorted({cost(growth.arch(index / 400)).macs for index in range(1601)})


@pytest.mark.parametrize("limits", [Limits(), EVEN])
@pytest.mark.parametrize("name", NAMES)
def test_no_network_of_a_fine_grid_is_nearer(name: str, limits: Limits) -> None:
    baseline = zoo(name)
    known, unit = steps(baseline, limits), cost(baseline).macs
    asked = [unit * 1.9**power for power in (1, 2.3, 3.6)]
    for member in target_family(baseline, PAPER, asked, MACS, limits=limits)[1:]:
        assert member.target is not None
        target = member.target.value
        place = bisect.bisect(known, target)
        nearest = min(abs(macs - target) for macs in known[max(0, place - 1) : place + 1])
        assert abs(member.cost.macs - target) <= nearest


@pytest.mark.parametrize(("rounding", "most", "usual"), [("ceil", 0.2, 0.13), ("round", 0.13, 0.1)])
@pytest.mark.parametrize(
    ("name", "limits"), [*((name, Limits()) for name in NAMES), (NAMES[0], EVEN)]
)
def test_budgets_are_met_within_what_the_docs_say_of_rounding(
    name: str, limits: Limits, rounding: DepthRounding, most: float, usual: float
) -> None:
    baseline = zoo(name)
    unit = cost(baseline).macs
    targets = [unit * 32 ** (index / 20) for index in range(1, 21)]
    members = target_family(baseline, PAPER, targets, MACS, rounding, limits)
    missed = sorted(abs(each.difference) for each in members if each.difference is not None)
    assert len(missed) > 15
    assert missed[-1] <= most
    assert missed[-2] <= usual


@settings(max_examples=25)
@given(st.sampled_from(NAMES), st.sampled_from(("params", "activations")), st.floats(1.5, 20))
def test_other_costs_are_met_as_well(name: str, kind: str, times: float) -> None:
    baseline, metric = zoo(name), COUNTED[kind]
    target = times * metric(baseline, cost(baseline))
    member = target_family(baseline, PAPER, [target], metric)[-1]
    assert metric(member.arch, cost(member.arch)) == pytest.approx(target, rel=0.35)
    said = about(member)
    assert (said["target"], said["unit"]) == (target, metric.unit)
    assert metric(member.arch, cost(member.arch)) / target - 1 == pytest.approx(
        said["difference"], abs=1e-6
    )


def test_what_a_file_says_of_a_member_makes_it_again() -> None:
    limits = Limits(resolution_max=300)
    grown = COMPOUND.constants(alpha=1.1, beta=1.1, gamma=1.3)
    growth = LimitedGrowth.of(B0, grown, limits, "ceil")
    for member in target_family(B0, grown, [100e6, 1e9, 5e9], MACS, limits=limits):
        again = growth.arch(about(member)["phi"])
        assert cost(again).macs == member.cost.macs == about(member)["macs"]


def test_a_target_below_the_baseline_makes_a_smaller_network() -> None:
    members = target_family(B0, PAPER, [800e6, 200e6], MACS)
    assert [member.label for member in members] == ["b-1", "b0", "b1"]
    assert [member.phi < 0 for member in members] == [True, False, False]


def test_targets_keep_the_limits() -> None:
    members = target_family(B0, PAPER, [600e6, 3e9], MACS, limits=Limits(macs_max=1e9))
    assert members[-1].cost.macs <= 1e9
    assert "macs_max 1,000,000,000: φ = " in members[-1].limited[0]


def test_targets_of_one_network_make_one_member_and_that_is_said() -> None:
    members = target_family(B0, PAPER, [386e6, 800e6, 800.001e6], MACS)
    assert [member.label for member in members] == ["b0", "b1"]
    assert members[0].limited == (
        "targets: left out 386,000,000; 800,001,000: the network nearest to it is a member already",
    )


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([], "targets: expected at least one, and each once, got []"),
        ([1e9, 1e9], "targets: expected at least one, and each once, got [1e+09, 1e+09]"),
        ([-1.0], "targets: expected numbers above 0, got -1"),
        ([float("nan")], "targets: expected numbers above 0, got nan"),
        ([1e30], "targets: efficientnet_b0 grows to no more than "),
        ([386e6], "targets: of all networks efficientnet_b0 itself is the nearest to each; "),
    ],
)
def test_targets_that_cannot_be_are_refused(targets: list[float], message: str) -> None:
    with pytest.raises(UserError) as caught:
        target_family(B0, PAPER, targets, MACS)
    assert str(caught.value).startswith(message)
