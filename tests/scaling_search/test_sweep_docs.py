"""What docs/how-to/sweep.md shows of a plan, worked out again."""

from pathlib import Path

from nas.verbs.sweep import plan_table
from scaling_search.grow.grid_points import GridSettings
from scaling_search.judge.separation import grids_at_phis
from search_spaces.zoo import zoo

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "sweep.md"


def test_the_plan_is_what_the_command_prints():
    printed = plan_table(grids_at_phis(zoo("efficientnet_b0"), GridSettings()))
    assert f"```\n{printed}\n```" in PAGE.read_text(encoding="utf-8")
