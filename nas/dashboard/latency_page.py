"""Measured latencies as one page: how they spread, and what MACs say of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.html import definitions, element
from nas.dashboard.html import table as html_table
from nas.dashboard.page import Panel, Section, render_page
from search_spaces.files import write_text

Row = Mapping[str, Any]
"""network, macs, params, median_ms, lower_quartile_ms, upper_quartile_ms."""


def write_page(path: Path, rows: Sequence[Row], conditions: Mapping[str, Any]) -> None:
    """Write the page; `conditions` are the device, its libraries and the `settings`."""
    panels = [
        Panel(
            id="latency",
            title="Latency",
            caption="Median of the timed runs; the bar spans their quartiles.",
            figure=spread_figure(rows),
            table=_table(rows),
        ),
        Panel(
            id="latency-macs",
            title="Latency against MACs",
            caption="On the dotted line latency is in proportion to MACs, as for the first "
            "network: above it, a multiply–add takes longer.",
            figure=macs_figure(rows),
            table=_table(rows),
        ),
    ]
    known = {
        name.replace("_", " "): str(value) for name, value in _flat(conditions).items() if value
    }
    header = element("header", element("h1", "Latency"), element("div", definitions(known)))
    footer = element("footer", "Made by nas-search latency. MACs are multiply–adds.")
    sections = [Section("measured", "Measured", panels)]
    write_text(path, render_page("Latency · nas-search", header, sections, footer))


def spread_figure(rows: Sequence[Row]) -> go.Figure:
    """A point a network, fastest on top, with its quartiles."""
    ordered = sorted(rows, key=lambda row: -row["median_ms"])
    medians = [row["median_ms"] for row in ordered]
    figure = go.Figure(
        go.Scatter(
            x=medians,
            y=[theme.escaped(row["network"]) for row in ordered],
            mode="markers",
            marker={"color": theme.BLUE, "size": 9},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [row["upper_quartile_ms"] - row["median_ms"] for row in ordered],
                "arrayminus": [row["median_ms"] - row["lower_quartile_ms"] for row in ordered],
                "color": theme.POINT,
            },
            hovertemplate="%{y}: %{x:.2f} ms<extra></extra>",
        )
    )
    theme.styled(figure, 100 + 28 * len(ordered), margin={"l": 64, "r": 24, "t": 12, "b": 56})
    figure.update_xaxes(title_text="milliseconds", rangemode="tozero")
    return figure


def macs_figure(rows: Sequence[Row]) -> go.Figure:
    """A point a network, both axes logarithmic, and the line of equal speed through the first."""
    figure = go.Figure()
    macs = [row["macs"] for row in rows]
    rate = rows[0]["median_ms"] / rows[0]["macs"]
    times = [row["median_ms"] for row in rows]
    ends = min(macs), max(macs)
    figure.add_scatter(
        x=ends,
        y=[rate * end for end in ends],
        mode="lines",
        line={"dash": "dot", "color": theme.MUTED},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=macs,
        y=times,
        text=[theme.escaped(row["network"]) for row in rows],
        mode="markers+text",
        hovertext=[theme.escaped(row["network"]) for row in rows],
        textposition="top center",
        cliponaxis=False,
        marker={"color": theme.BLUE, "size": 9},
        hovertemplate="%{hovertext}: %{x:,} MACs, %{y:.2f} ms<extra></extra>",
        showlegend=False,
    )
    theme.styled(figure, 420, margin={"l": 64, "r": 24, "t": 12, "b": 56})
    figure.update_xaxes(title_text="MACs", **theme.log_count_axis(ends[0], ends[1], pad=0.15))
    ticks = theme.log_count_axis(min(times), max(times), pad=0.15)
    figure.update_yaxes(title_text="milliseconds", **ticks)
    return figure


def _table(rows: Sequence[Row]) -> Any:
    header = ("network", "MACs", "params", "median ms", "lower quartile", "upper quartile")
    names = ("median_ms", "lower_quartile_ms", "upper_quartile_ms")
    return html_table(
        header,
        [
            (
                str(row["network"]),
                theme.count(row["macs"]),
                theme.count(row["params"]),
                *(f"{row[name]:.2f}" for name in names),
            )
            for row in rows
        ],
        name="Latency",
    )


def _flat(conditions: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in conditions["settings"].items() if name != "seed"}
    return {**conditions, **settings, "device": conditions["device"], "settings": ""}
