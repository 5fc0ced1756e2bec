"""What the trainings say of the constants: estimates with intervals, beside the published."""

import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.html import Markup, table
from nas.dashboard.named import ConstantEstimate, Estimate

_ROW = 62
"""Pixels between two constants."""
_ABOVE, _BELOW = -0.1, 0.22
"""Where in its row the estimate stands, and the published constant."""


def estimate_figure(found: Estimate) -> go.Figure:
    """A row a constant: what the grid allows, the published value, the estimate."""
    figure = go.Figure()
    rows = list(range(len(found.constants)))
    if found.largest is not None:
        figure.add_scatter(
            x=[end for _ in rows for end in (1, found.largest, None)],
            y=[end for row in rows for end in (row, row, None)],
            mode="lines",
            name="the grid's range",
            line={"color": theme.GRID, "width": 36},
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=[each.known for each in found.constants],
        y=[row + _BELOW for row in rows],
        mode="markers",
        name="published",
        marker={"symbol": "diamond-open", "size": 10, "color": theme.MUTED},
        hovertext=[f"{each.symbol} {each.known:g}, published" for each in found.constants],
        hoverinfo="text",
    )
    figure.add_scatter(
        x=[each.value for each in found.constants],
        y=[row + _ABOVE for row in rows],
        mode="markers",
        name="estimate, 95 %",
        marker={"symbol": "circle", "size": 10, "color": theme.VERMILLION},
        error_x={
            "type": "data",
            "array": [each.high - each.value for each in found.constants],
            "arrayminus": [each.value - each.low for each in found.constants],
            "color": theme.VERMILLION,
            "thickness": 2,
            "width": 5,
        },
        hovertext=[f"{spelt(each)}, 95 % interval" for each in found.constants],
        hoverinfo="text",
        cliponaxis=False,
    )
    theme.styled(figure, 128 + _ROW * len(rows), margin={"l": 40, "r": 16, "t": 56, "b": 52})
    for row, each in zip(rows, found.constants, strict=True):
        figure.add_annotation(
            x=each.value,
            y=row + _ABOVE,
            text=theme.number(each.value, 2),
            showarrow=False,
            yanchor="bottom",
            yshift=5,
            font={"color": theme.RUST, "size": 12.5},
        )
    _style_axes(figure, found)
    return figure


def estimate_table(found: Estimate) -> Markup:
    """A row a constant."""
    rows = [
        [
            each.symbol,
            theme.number(each.value, 3),
            theme.number(each.low, 3),
            theme.number(each.high, 3),
            theme.plain(each.known),
        ]
        for each in found.constants
    ]
    header = ["constant", "estimate", "95 % from", "95 % to", "published"]
    return table(header, rows, name="What the trainings say of the constants")


def spelt(constant: ConstantEstimate) -> str:
    """A constant with its 95 % interval, `α 1.18 [1.00, 1.40]`, that breaks before the bracket."""
    value = f"{constant.symbol}\u00a0{constant.value:.2f}"
    return f"{value} [{constant.low:.2f},\u00a0{constant.high:.2f}]"


def _style_axes(figure: go.Figure, found: Estimate) -> None:
    figure.update_yaxes(
        range=[len(found.constants) - 0.45, -0.55],
        tickvals=list(range(len(found.constants))),
        ticktext=[each.symbol for each in found.constants],
        tickfont={"size": 15, "color": theme.INK},
        ticks="",
        showline=False,
        showgrid=False,
    )
    ends = [end for each in found.constants for end in (each.low, each.high, each.known)]
    ends += [1.0, found.largest or 1.0]
    pad = 0.04 * (max(ends) - min(ends)) + 0.01
    figure.update_xaxes(
        title_text="multiplier of one unit of φ",
        range=[min(ends) - pad, max(ends) + pad],
        tickformat=".2f",
        nticks=6,
        tickangle=0,
    )
