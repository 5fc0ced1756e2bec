from dataclasses import dataclass

import pytest
import yaml

from nas.evaluators.base import AT_CHANCE, Measurement
from nas.verbs.scale import expected, family_report
from nas.verbs.sweep import summary
from scaling_search.grow.family import formula_family, read_constants
from scaling_search.rule.compound import PAPER
from scaling_search.settings import SweepSettings
from scaling_search.sweep import plan_sweep, run_sweep
from search_spaces.zoo import zoo
from synthetic import Surface, here

B0 = zoo("efficientnet_b0")
LEARNT_NOTHING = "No training can be told from chance: the sweep learnt nothing"


@dataclass(frozen=True)
class Chance(Surface):
    """Says 8 of 24, and of one network 7."""

    def evaluate(self, arch, seed, report):
        right = 7 if arch.resolution == 224 and arch.head.channels == 1792 else 8
        return Measurement(accuracy=right / 24, note=AT_CHANCE)

    def describe(self):
        return {"dataset": "noise", "validation images": 24}


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    settings = SweepSettings(step=0.1, budget=8)
    return run_sweep(B0, settings, Chance(), folder, here(Chance())), folder


def test_a_sweep_at_chance_names_the_published_constants_and_says_so(swept):
    result, folder = swept
    assert read_constants(folder / "constants.yaml") == result.constants == PAPER
    written = yaml.safe_load((folder / "constants.yaml").read_text("utf-8"))
    assert written["verdict"].startswith(LEARNT_NOTHING)
    assert written["noise"] > 0.029
    assert written["estimate"] is None
    assert LEARNT_NOTHING in summary(result, folder)
    assert "1.2, 1.1, 1.15, the published ones" in summary(result, folder)


def test_a_sweep_at_chance_forecasts_nothing_and_says_so(swept):
    _, folder = swept
    members = formula_family(B0, PAPER, [1, 2])
    forecast = expected(members, folder)
    assert forecast is None
    said = family_report(members, forecast, folder, "efficientnet_b0", "ceil")
    assert "nothing can be forecast: no training can be told from chance" in said


def test_a_grid_at_chance_names_the_published_constants(tmp_path):
    settings = SweepSettings(strategy="grid", step=0.2, seeds=1)
    assert run_sweep(B0, settings, Chance(), tmp_path, here(Chance())).constants == PAPER


def test_a_budget_below_what_a_model_begins_with_is_said(swept, tmp_path):
    said = str(plan_sweep(B0, SweepSettings(step=0.1, budget=8), tmp_path))
    assert said.splitlines()[-1].startswith("budget: 8 is less than the 12 trainings")
    assert "budget" not in str(plan_sweep(B0, SweepSettings(step=0.1), tmp_path))


def test_the_best_is_that_of_the_trained(swept):
    header = summary(*swept).splitlines()[0]
    assert "α, β, γ (* best of the trained)" in header
