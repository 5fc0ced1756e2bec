"""The sweep's candidates row by row: constants, nominal and realised cost, proxy accuracy."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.growth_rule import GrowthRule
from nas.dashboard.narrow import stacked
from nas.dashboard.sweep import HEIGHT, STANDINGS, candidate_markers, error_bars, sweep

MOST_ROWS = 25
ROW_HEIGHT = 17


def candidates_figure(frames: RunFrames) -> go.Figure:
    """The first candidates as rows: the winner, its ties, the others."""
    shown = sweep(frames)
    rows = shown.candidates.head(MOST_ROWS)
    rows = rows.assign(row=range(len(rows)))
    constants = frames.rule.constant_names
    cost, accuracy = len(constants) + 1, len(constants) + 2
    figure = make_subplots(
        cols=accuracy,
        rows=1,
        shared_yaxes=True,
        horizontal_spacing=0.022,
        column_widths=[*(0.33 / len(constants) for _ in constants), 0.27, 0.4],
    )
    for column, name in enumerate(constants, start=1):
        figure.add_trace(_constant_dots(rows, name), row=1, col=column)
    for trace in _ratio_traces(rows, frames.rule):
        figure.add_trace(trace, row=1, col=cost)
    for standing, marker in STANDINGS.items():
        part = rows[rows["standing"] == standing]
        figure.add_scatter(
            x=100 * part["accuracy"],
            y=part["row"],
            error_x=error_bars(part, marker["color"]),
            showlegend=False,
            **candidate_markers(part, standing, marker),
            row=1,
            col=accuracy,
        )
    _style(figure, rows, frames.rule)
    figure.update_xaxes(title_text=f"{shown.cost} over the baseline's", row=1, col=cost)
    figure.update_xaxes(title_text=theme.PROXY_PERCENT, row=1, col=accuracy)
    if shown.target_ratio is not None:
        line = {"color": theme.MUTED, "width": 1, "dash": "dot"}
        figure.add_vline(shown.target_ratio, line=line, row=1, col=cost)
    # The rows say the constants themselves: their dots make place on a telephone.
    each = ROW_HEIGHT * max(len(rows), 3) + 20
    hidden = {index: {"visible": False} for index in range(len(constants))}
    return stacked(figure, each, hidden=len(constants), data=hidden)


def _style(figure: go.Figure, rows: pd.DataFrame, rule: GrowthRule) -> None:
    height = min(HEIGHT, 135 + ROW_HEIGHT * max(len(rows), 3))
    theme.styled(figure, height, margin={"l": 64, "r": 16, "t": 60, "b": 56})
    figure.update_yaxes(
        range=[len(rows) - 0.4, -0.6],
        tickvals=rows["row"],
        ticktext=rows["label"],
        ticks="",
        showline=False,
        griddash="dot",
    )
    symbols = [each.symbol for each in rule.dimensions]
    figure.update_yaxes(title_text="   ".join(symbols), row=1, col=1)
    most = max(1.05, float(rows[[*rule.constant_names]].max().max())) + 0.04
    for column, symbol in enumerate(symbols, start=1):
        figure.update_xaxes(title_text=symbol, range=[0.96, most], nticks=4, row=1, col=column)
    figure.update_xaxes(tickangle=0)


def _constant_dots(rows: pd.DataFrame, name: str) -> go.Scatter:
    colors = [STANDINGS[standing]["color"] for standing in rows["standing"]]
    return go.Scatter(
        x=rows[name],
        y=rows["row"],
        mode="markers",
        marker={"symbol": "square", "size": 8, "color": colors},
        hovertext=rows["hover"],
        hoverinfo="text",
        showlegend=False,
    )


def _ratio_traces(rows: pd.DataFrame, rule: GrowthRule) -> list[go.Scatter]:
    """Nominal and realised ratio of each row, joined by a line."""
    pairs = zip(rows["nominal_ratio"], rows["realised_ratio"], strict=True)
    joined = go.Scatter(
        x=[end for pair in pairs for end in (*pair, None)],
        y=[end for row in rows["row"] for end in (row, row, None)],
        mode="lines",
        line={"color": theme.RULE, "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    ends = [
        go.Scatter(
            x=rows[column],
            y=rows["row"],
            mode="markers",
            name=name,
            marker={"size": 8, **marker},
            hovertext=rows["hover"],
            hoverinfo="text",
        )
        for name, column, marker in (
            (
                f"nominal {rule.formula}",
                "nominal_ratio",
                {"symbol": "line-ns-open", "color": theme.MUTED},
            ),
            ("realised", "realised_ratio", {"symbol": "circle", "color": theme.GREEN}),
        )
    ]
    return [joined, *ends]
