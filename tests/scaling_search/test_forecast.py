import json

import numpy as np
import pytest

from scaling_search.expected import as_mapping, forecast_in
from scaling_search.grow.family import formula_family
from scaling_search.rule.compound import PAPER
from scaling_search.settings import SweepSettings
from scaling_search.sweep import run_sweep
from search_spaces.zoo import zoo
from synthetic import Surface, here

B0 = zoo("efficientnet_b0")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    evaluator = Surface()
    run_sweep(B0, SweepSettings(step=0.1), evaluator, folder, here(evaluator))
    return folder


def test_a_member_costs_more_and_is_less_sure_the_further_out_it_is(run):
    members = formula_family(B0, PAPER, [1, 3, 7])
    found = forecast_in(run, members)
    widths = [each.high - each.low for each in found.members]
    assert widths[1] < widths[2] < widths[3]
    assert [each.extrapolates for each in found.members] == [False, False, True, True]
    for each in found.members:
        assert 0 <= each.low <= each.accuracy <= each.high <= 1
    assert found.members[0].gain is None


def test_the_baseline_is_expected_to_be_what_it_was_measured(run):
    (baseline, _) = forecast_in(run, formula_family(B0, PAPER, [1])).members
    lines = (run / "sweep.jsonl").read_text("utf-8").splitlines()
    seen = [r["accuracy"] for r in map(json.loads, lines) if r["key"] == B0.key()]
    assert len(seen) == 2
    assert baseline.low <= np.mean(seen) <= baseline.high
    assert baseline.high - baseline.low < 0.03


def test_a_smaller_member_is_expected_to_be_a_little_worse(run):
    smaller, baseline, _ = forecast_in(run, formula_family(B0, PAPER, [-0.5, 1])).members
    assert baseline.accuracy - 0.1 < smaller.accuracy <= baseline.accuracy + 0.01
    assert smaller.low < smaller.accuracy < smaller.high


def test_a_members_forecast_does_not_depend_on_the_others(run):
    (alone,) = forecast_in(run, formula_family(B0, PAPER, [1])).members[1:]
    among = forecast_in(run, formula_family(B0, PAPER, [0.5, 1, 2])).members[2]
    assert (alone.accuracy, alone.low, alone.high) == (among.accuracy, among.low, among.high)


def test_nothing_is_expected_without_trainings(tmp_path):
    assert forecast_in(tmp_path, formula_family(B0, PAPER, [1])) is None


def test_files_say_fractions(run):
    (first, *_) = forecast_in(run, formula_family(B0, PAPER, [1])).members
    said = as_mapping(first)
    assert said["interval"][0] <= said["accuracy"] <= said["interval"][1]
    assert set(said) == {"accuracy", "interval", "gain", "extrapolates"}
