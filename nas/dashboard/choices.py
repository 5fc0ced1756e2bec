"""What the best networks have in common: each choice's share among them and among all."""

import math
import re
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table
from nas.dashboard.narrow import stacked
from nas.searches.rewards import pareto_front

MOST_OPTIONS = 16
_NARROW_ROW = 38
"""Pixels of a stage on a telephone, where the text of a cell takes two lines."""
_STAGE = re.compile(r"s(\d+)_(.+)")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the figure draws."""

    shares: pd.DataFrame
    """A row a stage, field and option: share_best, share_all (fractions), baseline (bool)."""
    best: int
    """Networks in the best tenth."""
    all: int
    """Finished trials."""


def choices(frames: RunFrames) -> Choices:
    """How often each option was chosen among the best tenth, and among all finished trials."""
    finished = frames.finished
    best = best_tenth(finished, frames.settings.is_front)
    rows = []
    for column in frames.choices:
        stage, field = _stage_and_field(column)
        tried = finished[column][finished[column] != ""]
        shares_all = tried.value_counts(normalize=True)
        shares_best = best[column][best[column] != ""].value_counts(normalize=True)
        chosen = set(finished.loc[finished["baseline"], column])
        for option in sorted(shares_all.index, key=_natural):
            rows.append(
                {
                    "stage": stage,
                    "field": field,
                    "option": str(option),
                    "share_best": float(shares_best.get(option, 0.0)),
                    "share_all": float(shares_all[option]),
                    "baseline": option in chosen,
                }
            )
    columns = ["stage", "field", "option", "share_best", "share_all", "baseline"]
    return Choices(pd.DataFrame(rows, columns=columns), len(best), len(finished))


def best_tenth(finished: pd.DataFrame, by_front: bool) -> pd.DataFrame:
    """The tenth with the highest reward; by fronts, or without rewards, the outermost ones."""
    size = math.ceil(len(finished) / 10)
    if not by_front and finished["reward"].notna().any():
        return finished.nlargest(size, "reward")
    rank = front_ranks(list(finished["accuracy"]), list(finished["macs"]))
    ranked = finished.assign(rank=rank).sort_values(["rank", "accuracy"], ascending=[True, False])
    return ranked.head(size)


def front_ranks(accuracies: list[float], macs: list[float]) -> list[int]:
    """0 for the points on the front, 1 for those on the front of the rest, and so on."""
    ranks = [0] * len(accuracies)
    left, rank = list(range(len(accuracies))), 0
    while left:
        on_front = pareto_front([(accuracies[i], macs[i]) for i in left])
        for index, outermost in zip(left, on_front, strict=True):
            if outermost:
                ranks[index] = rank
        left = [index for index, outermost in zip(left, on_front, strict=True) if not outermost]
        rank += 1
    return ranks


def choices_figure(frames: RunFrames) -> go.Figure:
    """A heat map for each field: stages down, options across."""
    shown = choices(frames)
    fields = sorted(shown.shares["field"].unique())
    options = {field: _options(shown.shares, field) for field in fields}
    stages = sorted(shown.shares["stage"].unique(), key=_natural)
    figure = make_subplots(
        rows=1,
        cols=len(fields),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[theme.escaped(field) for field in fields],
        column_widths=[len(options[field]) + 0.5 for field in fields],
    )
    for column, field in enumerate(fields, start=1):
        part = shown.shares[shown.shares["field"] == field]
        figure.add_trace(_heat_map(part, stages, options[field]), row=1, col=column)
        for frame in _baseline_frames(part, stages, options[field]):
            figure.add_shape(frame, row=1, col=column)
    theme.styled(
        figure,
        150 + 44 * len(stages),
        margin={"l": 72, "r": 24, "t": 56, "b": 48},
        coloraxis={
            "colorscale": list(zip((0, 0.5, 1), theme.TINTS, strict=True)),
            "cmin": -0.6,
            "cmax": 0.6,
            "colorbar": {
                "title": {"text": "best − all", "side": "top", "font": {"size": 12}},
                "tickfont": {"size": 12, "color": theme.MUTED},
                "tickformat": "+.0%",
                "thickness": 12,
                "outlinewidth": 0,
            },
        },
    )
    figure.update_annotations(font={"size": 13})
    figure.update_xaxes(type="category", showgrid=False, ticks="", showline=False)
    figure.update_yaxes(type="category", showgrid=False, ticks="", showline=False)
    figure.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=stages)
    figure.update_yaxes(title_text="")
    stacked(figure, _NARROW_ROW * len(stages), data=_in_two_lines(figure))
    figure.layout.meta["narrow"]["layout"]["coloraxis"] = {"showscale": False}
    return figure


def choices_table(frames: RunFrames) -> Markup:
    """A row an option of each choice, those that nobody tried left out."""
    rows = [
        [
            row["stage"],
            row["field"],
            row["option"],
            f"{100 * row['share_best']:.0f}",
            f"{100 * row['share_all']:.0f}",
            "chosen" if row["baseline"] else "",
        ]
        for row in choices(frames).shares.to_dict("records")
    ]
    header = ["where", "choice", "option", "of the best (%)", "of all (%)", "baseline"]
    return table(header, rows, words=3, name="Choices of the best tenth")


def _in_two_lines(figure: go.Figure) -> dict[int, dict[str, Any]]:
    """The texts of cells that are too narrow for one line."""
    return {
        index: {"text": [[cell.replace(" / ", "<br>") for cell in row] for row in trace.text]}
        for index, trace in enumerate(figure.data)
    }


def _heat_map(part: pd.DataFrame, stages: list[str], options: list[str]) -> go.Heatmap:
    cells = {(row["stage"], row["option"]): row for row in part.to_dict("records")}
    grid = [[cells.get((stage, option)) for option in options] for stage in stages]
    return go.Heatmap(
        x=[theme.escaped(option) for option in options],
        y=stages,
        z=[[cell and cell["share_best"] - cell["share_all"] for cell in row] for row in grid],
        text=[[_cell_text(cell) for cell in row] for row in grid],
        texttemplate="%{text}",
        textfont={"size": 12, "color": theme.INK},
        hovertext=[[_cell_hover(cell) for cell in row] for row in grid],
        hoverinfo="text",
        coloraxis="coloraxis",
        xgap=2,
        ygap=2,
    )


def _cell_text(cell: dict[Any, Any] | None) -> str:
    return "" if cell is None else f"<b>{cell['share_best']:.0%}</b> / {cell['share_all']:.0%}"


def _cell_hover(cell: dict[Any, Any] | None) -> str:
    if cell is None:
        return ""
    title = theme.escaped(f"{cell['stage']}, {cell['field']} {cell['option']}")
    best, everywhere = f"{cell['share_best']:.0%}", f"{cell['share_all']:.0%}"
    return theme.hover(title, [f"{best} of the best tenth", f"{everywhere} of all trials"])


def _baseline_frames(
    part: pd.DataFrame, stages: list[str], options: list[str]
) -> list[dict[str, Any]]:
    """A frame around each cell that the baseline chose, in the axes' category numbers."""
    places = [
        (options.index(cell["option"]), stages.index(cell["stage"]))
        for cell in part.to_dict("records")
        if cell["baseline"] and cell["option"] in options
    ]
    line = {"color": theme.VERMILLION, "width": 2}
    return [
        {"x0": x - 0.48, "x1": x + 0.48, "y0": y - 0.46, "y1": y + 0.46, "line": line}
        for x, y in places
    ]


def _options(shares: pd.DataFrame, field: str) -> list[str]:
    """The options of a field; of very many, those that the best networks chose most."""
    part = shares[shares["field"] == field]
    most = part.groupby("option")[["share_best", "share_all"]].sum()
    kept = most.sort_values(["share_best", "share_all"], ascending=False).head(MOST_OPTIONS)
    return sorted(map(str, kept.index), key=_natural)


def _stage_and_field(column: str) -> tuple[str, str]:
    match = _STAGE.fullmatch(column)
    return (f"stage {match[1]}", match[2]) if match else ("network", column)


def _natural(text: object) -> tuple[object, ...]:
    """Sorts numbers by value, and names with numbers in them by those."""
    parts = re.split(r"(-?\d+(?:\.\d+)?)", str(text))
    return tuple(
        (0, float(part), "") if index % 2 else (1, 0.0, part) for index, part in enumerate(parts)
    )
