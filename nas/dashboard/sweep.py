"""The sweep: which α, β, γ gave the best proxy accuracy, and what each really cost."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.wording import spelling_lines, sweep_words

STANDINGS: Mapping[str, dict[str, Any]] = {
    "winner": {"symbol": "star", "size": 16, "color": theme.VERMILLION},
    "tied with the winner": {"symbol": "circle", "size": 9, "color": theme.BLUE},
    "behind": {"symbol": "circle-open", "size": 8, "color": theme.MUTED},
    "outside the cost band": {"symbol": "diamond-open", "size": 8, "color": theme.ORANGE},
}
ROW = 17
CHART = 560
MOST_ROWS = 25


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the figures draw."""

    candidates: pd.DataFrame
    """Distinct networks with an accuracy: the columns of sweep.csv, `standing`, `label` (the three
    constants), `hover`. The winner first, then by standing, and by accuracy within each."""
    failed: int
    """Candidates without an accuracy."""
    target_ratio: float
    """The cost ratio asked for: ratio^φ."""


def sweep(frames: RunFrames) -> Sweep:
    """The candidates, ranked by accuracy, each with how it stands against the winner."""
    measured = frames.sweep[frames.sweep["accuracy"].notna()]
    measured = measured.assign(
        standing=[_standing(row) for row in measured.to_dict("records")],
        label=[constants_label(row) for row in measured.to_dict("records")],
    )
    measured = measured.assign(rank=measured["standing"].map(list(STANDINGS).index))
    measured = measured.sort_values(
        ["rank", "accuracy", "candidate"], ascending=[True, False, True], ignore_index=True
    )
    proxy = theme.escaped(sweep_words(frames))
    measured = measured.assign(hover=[_hover(row, proxy) for row in measured.to_dict("records")])
    target = frames.settings.ratio**frames.settings.phi
    return Sweep(measured, len(frames.sweep) - len(measured), target)


def constants_label(row: Mapping[Any, Any]) -> str:
    """α, β and γ of a candidate: `1.20  1.10  1.15`."""
    return "  ".join(theme.number(row[name], 2) for name in ("alpha", "beta", "gamma"))


def sweep_figure(frames: RunFrames) -> go.Figure:
    """Proxy accuracy with error bars against the cost ratio as built."""
    shown = sweep(frames)
    figure = go.Figure()
    for standing, marker in reversed(list(STANDINGS.items())):
        rows = shown.candidates[shown.candidates["standing"] == standing]
        if rows.empty:
            continue
        figure.add_trace(
            _errors(rows, rows["realised_ratio"], 100 * rows["accuracy"], "y", standing, marker)
        )
    for row in shown.candidates[shown.candidates["winner"]].head(1).to_dict("records"):
        figure.add_annotation(
            x=row["realised_ratio"],
            y=100 * row["accuracy"],
            text="α {}, β {}, γ {}".format(*row["label"].split()),
            ax=0,
            ay=-34,
            standoff=9,
            arrowcolor=theme.MUTED,
            arrowwidth=1,
            font={"color": theme.VERMILLION, "size": 12.5},
            bgcolor="rgba(255,255,255,0.85)",
        )
    _mark_target(figure, shown.target_ratio)
    theme.styled(figure, CHART, margin={"l": 64, "r": 24, "t": 60, "b": 56})
    figure.update_layout(legend={"traceorder": "reversed"})
    ratios = [shown.target_ratio, *shown.candidates["realised_ratio"].dropna()]
    pad = 0.04 * (max(ratios) - min(ratios)) + 0.02
    figure.update_xaxes(
        title_text="MACs over the baseline's, as built",
        range=[min(ratios) - pad, max(ratios) + pad],
    )
    figure.update_yaxes(title_text=theme.PROXY_PERCENT)
    return figure


def candidates_figure(frames: RunFrames) -> go.Figure:
    """Every candidate a row: α, β, γ, nominal and realised cost, proxy accuracy."""
    shown = sweep(frames)
    rows = shown.candidates.head(MOST_ROWS)
    figure = make_subplots(
        cols=5,
        rows=1,
        shared_yaxes=True,
        horizontal_spacing=0.022,
        column_widths=[0.11, 0.11, 0.11, 0.27, 0.4],
    )
    place = list(range(len(rows)))
    for column, name in enumerate(("alpha", "beta", "gamma"), start=1):
        figure.add_trace(_constant_dots(rows, place, name), row=1, col=column)
    for trace in _ratio_traces(rows, place):
        figure.add_trace(trace, row=1, col=4)
    for standing, marker in STANDINGS.items():
        chosen = (rows["standing"] == standing).to_numpy()
        if chosen.any():
            part = rows[chosen]
            spots = pd.Series([spot for spot in place if chosen[spot]])
            trace = _errors(part, 100 * part["accuracy"], spots, "x", standing, marker)
            figure.add_trace(trace.update(showlegend=False), row=1, col=5)
    _style_candidates(figure, rows, shown.target_ratio)
    return figure


def _style_candidates(figure: go.Figure, rows: pd.DataFrame, target: float) -> None:
    top = max(1.05, float(rows[["alpha", "beta", "gamma"]].max().max())) + 0.04
    height = min(CHART, 135 + ROW * max(len(rows), 3))
    theme.styled(figure, height, margin={"l": 64, "r": 16, "t": 60, "b": 56})
    figure.update_yaxes(
        range=[len(rows) - 0.4, -0.6],
        tickvals=list(range(len(rows))),
        ticktext=list(rows["label"]),
        ticks="",
        showline=False,
        griddash="dot",
    )
    figure.update_yaxes(title_text="α   β   γ", row=1, col=1)
    for column, letter in enumerate("αβγ", start=1):
        figure.update_xaxes(
            title_text=letter, range=[0.96, top], row=1, col=column, nticks=4, tickangle=0
        )
    figure.update_xaxes(title_text="MACs over the baseline's", row=1, col=4)
    figure.update_xaxes(title_text=theme.PROXY_PERCENT, row=1, col=5)
    figure.add_vline(target, line={"color": theme.MUTED, "width": 1, "dash": "dot"}, row=1, col=4)


def _constant_dots(rows: pd.DataFrame, place: list[int], name: str) -> go.Scatter:
    return go.Scatter(
        x=rows[name],
        y=place,
        mode="markers",
        marker={
            "symbol": "square",
            "size": 8,
            "color": [STANDINGS[standing]["color"] for standing in rows["standing"]],
        },
        hovertext=rows["hover"],
        hoverinfo="text",
        showlegend=False,
    )


def _ratio_traces(rows: pd.DataFrame, place: list[int]) -> list[go.Scatter]:
    """Nominal and realised ratio of each row, joined by a line."""
    x = [value for pair in zip(rows["nominal_ratio"], rows["realised_ratio"], strict=True)
         for value in (*pair, None)]  # fmt: skip
    y = [value for spot in place for value in (spot, spot, None)]
    line = {"color": theme.RULE, "width": 2}
    traces = [go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)]
    for name, column, marker in (
        ("nominal α·β²·γ²", "nominal_ratio", {"symbol": "line-ns-open", "color": theme.MUTED}),
        ("realised", "realised_ratio", {"symbol": "circle", "color": theme.GREEN}),
    ):
        traces.append(
            go.Scatter(
                x=rows[column],
                y=place,
                mode="markers",
                name=name,
                marker={"size": 8, **marker},
                hovertext=rows["hover"],
                hoverinfo="text",
            )
        )
    return traces


def _errors(
    rows: pd.DataFrame, x: Any, y: Any, along: str, name: str, marker: dict[str, Any]
) -> go.Scatter:
    """The candidates of one standing, with a bar of one standard error along an axis."""
    bars = {
        "array": (100 * rows["stderr"]).fillna(0),
        "color": marker["color"],
        "thickness": 1.2,
        "width": 3,
    }
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        name=name,
        marker=marker,
        error_x=bars if along == "x" else None,
        error_y=bars if along == "y" else None,
        hovertext=rows["hover"],
        hoverinfo="text",
        cliponaxis=False,
    )


def _mark_target(figure: go.Figure, target: float) -> None:
    figure.add_vline(
        target,
        line={"color": theme.MUTED, "width": 1, "dash": "dot"},
        annotation={
            "text": f"{target:g} × asked for",
            "font": {"size": 12, "color": theme.MUTED},
            "xshift": 4,
        },
        annotation_position="bottom right",
    )


def _standing(row: Mapping[Any, Any]) -> str:
    if row["winner"]:
        return "winner"
    if not row["in_band"]:
        return "outside the cost band"
    return "tied with the winner" if row["tied"] else "behind"


def _hover(row: Mapping[Any, Any], proxy: str) -> str:
    seeds = "" if math.isnan(row["seeds"]) else f", {row['seeds']:.0f} seeds"
    lines = [
        row["standing"],
        f"proxy accuracy {theme.percent_pm(row['accuracy'], row['stderr'], 2)}{seeds}",
        f"<i>{proxy}</i>" if proxy else "",
        f"cost × {theme.number(row['realised_ratio'], 2)} as built, "
        f"× {theme.number(row['nominal_ratio'], 2)} nominal",
        f"{theme.count(row['macs'], 4)} MACs, {theme.count(row['params'], 4)} params",
        f"stands for {row['points']:.0f} grid points",
    ]
    title = "α {}, β {}, γ {}".format(*row["label"].split())
    return theme.hover(title, [*filter(None, lines), *spelling_lines(row["compact"])])
