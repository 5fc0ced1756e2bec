"""What each member of the family is expected to reach, before any of them is trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.family_files import FORECAST_NUMBERS
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table

LITTLE = 0.001
"""A step up that is expected to bring less than this, a fraction, hardly pays."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the forecast figure draws."""

    members: pd.DataFrame
    """Those with a forecast, smallest first: `name`, `macs`, `forecast`, `forecast_low` …"""
    extrapolated: tuple[str, ...]
    """Names of those that cost less or more than all networks that were trained."""
    little_from: str | None
    """The first member from which on no step up is expected to bring more than little."""


def forecast(frames: RunFrames) -> Forecast | None:
    """The members with a forecast; None where no file has one."""
    family = frames.family
    known = np.isfinite(family[[*FORECAST_NUMBERS[:3]]].to_numpy(float)).all(axis=1)
    members = family.loc[known].reset_index(drop=True)
    if members.empty:
        return None
    little_from = None
    for row in members.iloc[:0:-1].to_dict("records"):
        if not row["forecast_gain"] < LITTLE:
            break
        little_from = str(row["name"])
    extrapolated = members[members["extrapolated"].astype(bool)]["name"]
    return Forecast(members, tuple(extrapolated), little_from)


def forecast_figure(shown: Forecast, trained: pd.DataFrame) -> go.Figure:
    """Expected proxy accuracy with 95 % intervals against MACs, and the networks `trained`."""
    figure, members = go.Figure(), shown.members
    figure.add_scatter(
        x=trained["macs"],
        y=100 * trained["accuracy"],
        mode="markers",
        name="networks of the sweep, measured",
        marker={"symbol": "circle", "size": 5, "color": theme.POINT},
        hoverinfo="skip",
    )
    outside = members["extrapolated"].astype(bool)
    for before, after in zip(members.index[:-1], members.index[1:], strict=True):
        pair = members.loc[[before, after]]
        figure.add_scatter(
            x=pair["macs"],
            y=100 * pair["forecast"],
            mode="lines",
            line={
                "color": theme.BLUE,
                "width": 1.5,
                "dash": "dash" if outside[[before, after]].any() else "solid",
            },
            hoverinfo="skip",
            showlegend=False,
        )
    for name, rows, symbol in (
        ("expected, 95 %", members[~outside], "circle"),
        ("extrapolated", members[outside], "circle-open"),
    ):
        if len(rows):
            figure.add_scatter(**_members(rows, name, symbol))
    every = [*members["macs"], *trained["macs"].dropna()]
    theme.styled(figure, 440)
    figure.update_xaxes(title_text="MACs", **theme.log_count_axis(min(every), 1.1 * max(every)))
    figure.update_yaxes(title_text=f"expected {theme.PROXY_PERCENT}")
    return figure


def forecast_table(shown: Forecast) -> Markup:
    """A row a member: what is expected of it, and what it adds to the one before."""
    rows = []
    for row in shown.members.to_dict("records"):
        low, high = (100 * row[name] for name in ("forecast_low", "forecast_high"))
        gain = row["forecast_gain"]
        rows.append(
            [
                row["name"],
                theme.count(row["macs"], 4),
                theme.percent(row["forecast"], 2).removesuffix(" %"),
                f"{low:.2f}–{high:.2f}",
                "" if pd.isna(gain) else f"{100 * gain:+.2f}",
                "extrapolated" if row["extrapolated"] else "within what was trained",
            ]
        )
    header = ["network", "MACs", "expected (%)", "95 %", "gain (points)", "how"]
    return table(header, rows, name="What each step up is expected to bring")


def _members(rows: pd.DataFrame, name: str, symbol: str) -> dict[str, Any]:
    return {
        "x": rows["macs"],
        "y": 100 * rows["forecast"],
        "mode": "markers+text",
        "name": name,
        "marker": {"symbol": symbol, "size": 9, "color": theme.BLUE, "line": {"color": theme.BLUE}},
        "error_y": {
            "type": "data",
            "array": 100 * (rows["forecast_high"] - rows["forecast"]),
            "arrayminus": 100 * (rows["forecast"] - rows["forecast_low"]),
            "color": theme.BLUE,
            "thickness": 1.2,
            "width": 4,
        },
        "text": [theme.escaped(name) for name in rows["name"]],
        "textposition": "top left",
        "textfont": {"size": 11.5, "color": theme.BLUE},
        "hovertext": [_hover(row) for row in rows.to_dict("records")],
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _hover(row: Mapping[Any, Any]) -> str:
    low, high = (100 * row[name] for name in ("forecast_low", "forecast_high"))
    gain = row["forecast_gain"]
    lines = [
        f"expected proxy accuracy {theme.percent(row['forecast'])}, 95 %: {low:.1f}–{high:.1f} %",
        f"{theme.count(row['macs'], 4)} MACs",
        "" if pd.isna(gain) else f"{100 * gain:+.2f} points on the member before",
        "extrapolated: nothing of its cost was trained" if row["extrapolated"] else "",
    ]
    return theme.hover(theme.escaped(row["name"]), [line for line in lines if line])
