"""What docs/sweep.md shows of a plan, worked out again."""

from pathlib import Path

from scaling_search.grow.grid import GridSettings
from scaling_search.judge.forecast import survey, survey_text
from search_spaces.zoo import zoo

PAGE = Path(__file__).parents[2] / "docs" / "sweep.md"


def test_the_plan_is_what_the_command_prints():
    printed = survey_text(survey(zoo("efficientnet_b0"), GridSettings()))
    assert f"```\n{printed}\n```" in PAGE.read_text(encoding="utf-8")
