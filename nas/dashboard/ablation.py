"""One dimension grown alone against all: the paper's Figures 3 and 8, of our proxy."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.growth_rule import GrowthRule
from nas.dashboard.html import Markup, table
from nas.dashboard.narrow import stacked
from nas.dashboard.sweep import error_bars
from nas.dashboard.wording import ablation_words, plural

COMPOUND = "compound"
_MARKERS: Mapping[str, dict[str, Any]] = {
    "width": {"color": theme.GREEN, "symbol": "square"},
    "depth": {"color": theme.ORANGE, "symbol": "diamond"},
    "resolution": {"color": theme.PURPLE, "symbol": "triangle-up"},
    COMPOUND: {"color": theme.VERMILLION, "symbol": "circle"},
}
"""What each way of growing is drawn with, in the order of the paper's Figure 3."""
_OTHER_MARKER = {"color": theme.SKY, "symbol": "cross"}
BASELINE = {"color": theme.INK, "symbol": "star", "size": 12}
_ASIDE = 0.012
"""Points of equal cost are drawn this fraction of the axis apart, so that no bar hides another."""


def measured(frames: RunFrames) -> pd.DataFrame:
    """The ways that have an accuracy, by cost, with their `hover`; the baseline is one of them."""
    rows = frames.ablation[frames.ablation["accuracy"].notna()]
    proxy = theme.escaped(ablation_words(frames))
    hovers = [_hover(row, proxy, frames.rule) for row in rows.to_dict("records")]
    return rows.assign(hover=hovers).sort_values("macs", kind="stable", ignore_index=True)


def dimensions_figure(frames: RunFrames) -> go.Figure:
    """Each dimension grown alone, side by side; each point has its multiplier."""
    rows, axis = measured(frames), _axis(frames)
    kinds = _dimensions(frames.rule)
    figure = make_subplots(
        cols=len(kinds), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=kinds
    )
    for column, kind in enumerate(kinds, start=1):
        points = _path(rows, kind)
        labels = [_multiplier(row) for row in points.to_dict("records")]
        line = _line(points, kind, 0.0) | {
            "mode": "lines+markers+text",
            "text": labels,
            "textposition": "bottom right",
            "textfont": {"size": 11.5, "color": theme.MUTED},
            "showlegend": False,
        }
        figure.add_scatter(**line, row=1, col=column)
        figure.update_xaxes(title_text="MACs", row=1, col=column, **axis)
    theme.styled(figure, 400)
    figure.update_annotations(font={"size": 13, "color": theme.INK})
    figure.update_yaxes(range=_percents(rows), zeroline=False)
    figure.update_yaxes(title_text=theme.PROXY_PERCENT, row=1, col=1)
    return stacked(figure, 220)


def ways_figure(frames: RunFrames) -> go.Figure:
    """Every way of growing the baseline, one line each, compound scaling the boldest."""
    rows, axis = measured(frames), _axis(frames)
    low, high = axis["range"]
    figure = go.Figure()
    kinds = [*_dimensions(frames.rule), COMPOUND]
    for place, kind in enumerate(kinds):
        aside = (place - (len(kinds) - 1) / 2) * _ASIDE * (high - low)
        line = _line(_path(rows, kind), kind, aside)
        line["line"]["width"] = 2.5 if kind == COMPOUND else 1.5
        figure.add_scatter(**line)
    baseline = rows[rows["kind"] == "baseline"]
    if not baseline.empty:
        figure.add_scatter(**_points(baseline, "baseline", BASELINE))
    theme.styled(figure, 440)
    figure.update_xaxes(title_text="MACs of the full-size network", **axis)
    figure.update_yaxes(title_text=theme.PROXY_PERCENT, range=_percents(rows))
    return figure


def ablation_table(frames: RunFrames) -> Markup:
    """A row a way, those that failed among them."""
    header = ["way", "asked for", "realised", "MACs", "proxy accuracy (%)", "seeds", "at its cost"]
    rows = frames.ablation.to_dict("records")
    cells = [
        [
            row["kind"],
            f"{theme.plain(row['target_ratio'])} ×",
            f"{theme.number(row['realised_ratio'], 3)} ×",
            theme.count(row["macs"], 4),
            theme.percent_pm(row["accuracy"], row["stderr"], 2).removesuffix(" %"),
            theme.number(row["seeds"], 0),
            row["reason"] or ("best or tied" if row["tied"] and row["kind"] != "baseline" else ""),
        ]
        for row in rows
    ]
    return table(header, cells, name="Ways of growing the baseline")


def _dimensions(rule: GrowthRule) -> list[str]:
    """The dimensions in the order of the paper's figure, those that it lacks last."""
    known = list(_MARKERS)
    return sorted(rule.names, key=lambda name: known.index(name) if name in known else len(known))


def _path(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    return rows[rows["kind"].isin(("baseline", kind))]


def _line(points: pd.DataFrame, kind: str, aside: float) -> dict[str, Any]:
    """A line from the baseline through the ways of one kind, these `aside` on a log axis."""
    way = _MARKERS.get(kind, _OTHER_MARKER)
    shift = 10 ** (aside * (points["kind"] != "baseline"))
    line = {"mode": "lines+markers", "line": {"color": way["color"], "width": 1.5}}
    return _points(points, kind, {"size": 8, **way}) | line | {"x": points["macs"] * shift}


def _points(points: pd.DataFrame, name: str, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "x": points["macs"],
        "y": 100 * points["accuracy"],
        "mode": "markers",
        "name": name,
        "marker": marker,
        "error_y": error_bars(points, marker["color"]),
        "hovertext": points["hover"],
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _axis(frames: RunFrames) -> dict[str, Any]:
    macs = measured(frames)["macs"]
    return theme.log_count_axis(macs.min(), macs.max(), pad=0.12)


def _percents(rows: pd.DataFrame) -> tuple[float, float]:
    bars = rows["stderr"].fillna(0)
    ends = [*(rows["accuracy"] - bars), *(rows["accuracy"] + bars)]
    low, high = theme.visible_range([100 * end for end in ends], pad=0.1)
    return low, high


def _multiplier(row: Mapping[Any, Any]) -> str:
    value = row.get(row["kind"], math.nan)
    return "" if math.isnan(value) else f"{row['kind'][0]}={value:.2f}"


def _hover(row: Mapping[Any, Any], proxy: str, rule: GrowthRule) -> str:
    grown = [f"{name} × {theme.number(row[name], 2)}" for name in rule.names]
    known = row["kind"] != "baseline" and not any(math.isnan(row[name]) for name in rule.names)
    lines = [
        f"proxy accuracy {theme.percent_pm(row['accuracy'], row['stderr'], 2)}, "
        f"{plural(int(row['seeds']), 'seed')}",
        f"<i>{proxy}</i>" if proxy else "",
        ", ".join(grown) if known else "",
        f"cost × {theme.number(row['realised_ratio'], 3)} as built",
        f"{theme.count(row['macs'], 4)} MACs",
        f"failed with some seed: {theme.escaped(row['reason'])}" if row["reason"] else "",
    ]
    return theme.hover(theme.escaped(row["kind"]), list(filter(None, lines)))
