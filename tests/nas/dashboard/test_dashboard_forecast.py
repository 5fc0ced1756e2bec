"""What each member of the family is expected to reach, as its file says."""

from pathlib import Path
from typing import Any

import pytest

import run_folder
from nas.dashboard.forecast import forecast, forecast_figure
from nas.dashboard.frames import load_run
from nas.dashboard.panels import family_section
from nas.dashboard.scaling_panels import forecast_caption
from scaling_search.rule.compound import COMPOUND


def test_the_forecast_is_drawn_with_its_intervals(tmp_path: Path) -> None:
    run_folder.write_family(tmp_path)
    run_folder.write_forecasts(tmp_path)
    frames = load_run(tmp_path, COMPOUND)
    shown = forecast(frames)
    assert shown is not None
    traces = {t.name: t for t in forecast_figure(shown, frames.sweep).data if t.name}
    inside, outside = traces["expected, 95 %"], traces["extrapolated"]
    assert list(inside.text) == ["B0", "B1", "B2"]
    assert list(inside.y) == pytest.approx([57.1, 58.2, 59.6])
    assert list(inside.error_y.array) == pytest.approx([0.5] * 3)
    assert list(inside.error_y.arrayminus) == pytest.approx([1.0] * 3)
    assert list(inside.x) == frames.family["macs"][:3].tolist()
    assert list(outside.text) == ["B3", "B4", "B5", "B6", "B7"]
    assert outside.marker.symbol == "circle-open"
    assert "expected proxy accuracy 58.2 %, 95 %: 57.2–58.7 %" in inside.hovertext[1]
    assert "+1.10 points on the member before" in inside.hovertext[1]
    lines = [t.line.dash for t in forecast_figure(shown, frames.sweep).data if t.mode == "lines"]
    assert lines == ["solid", "solid", *["dash"] * 5]


def test_the_caption_says_where_it_extrapolates_and_what_no_longer_pays(tmp_path: Path) -> None:
    run_folder.write_family(tmp_path)
    run_folder.write_forecasts(tmp_path)
    (panel, *_) = family_section(load_run(tmp_path, COMPOUND)).panels
    assert panel.id == "forecast"
    for words in (
        "proxy accuracy, with the recipe and the pixels of those trainings",
        "Open and dashed, B3, B4, B5, B6 and B7: extrapolated",
        "From B6 on, each step up is expected to bring less than 0.1 points.",
    ):
        assert words in str(panel.caption)


def test_a_small_step_before_a_large_one_still_pays(tmp_path: Path) -> None:
    run_folder.write_family(tmp_path)
    run_folder.write_forecasts(tmp_path, accuracies=(0.5, 0.5001, 0.6))
    shown = forecast(load_run(tmp_path, COMPOUND))
    assert shown is not None
    assert list(shown.members["name"]) == ["B0", "B1", "B2"]
    assert shown.little_from is None
    assert "From" not in forecast_caption(shown)
    assert "extrapolated" not in forecast_caption(shown)


def test_a_family_without_forecasts_has_no_such_panel(tmp_path: Path) -> None:
    run_folder.write_family(tmp_path)
    panels = family_section(load_run(tmp_path, COMPOUND)).panels
    assert [panel.id for panel in panels] == ["growth", "published", "networks"]


@pytest.mark.parametrize(
    "odd",
    [
        {"interval": [0.5]},
        {"interval": None},
        {"accuracy": "high"},
        {"accuracy": [0.5]},
        {"accuracy": float("inf")},
    ],
)
def test_a_forecast_that_is_none_is_left_out(tmp_path: Path, odd: dict[str, Any]) -> None:
    run_folder.write_family(tmp_path)
    run_folder.write_forecasts(tmp_path, **odd)
    assert forecast(load_run(tmp_path, COMPOUND)) is None
