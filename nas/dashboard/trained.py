"""Networks trained whole: test accuracy against cost, learning curves, confusion, maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.narrow import on_narrow, stacked
from nas.dashboard.published import published_efficientnet
from nas.dashboard.trained_files import Confusion
from nas.statistics.metrics import METRICS, Metric

_IMAGENET = 1000
"""Classes of the data set that the published accuracies are of."""
_NAMED = 40
"""The most classes whose names stand at the axes of a confusion matrix."""
_LONGEST = 20
"""Characters of a class's name at an axis."""
_COUNTED = 16
"""The most classes whose counts stand in its cells."""
_NARROW_COUNTED = 6
"""The same on a telephone."""


@dataclass(frozen=True, slots=True)
class AccuracyAgainstCost:
    """What the figure of test accuracies draws; accuracies are fractions."""

    metric: Metric
    """That of the accuracies of `networks`."""
    mixed: bool
    """Whether the networks are judged by different metrics: then it is one that all have."""
    networks: pd.DataFrame
    """The trained networks with a test accuracy, smallest first."""
    expected: pd.DataFrame
    """The forecast of those that have one, by proxies: `forecast`, `forecast_low` …"""
    published: pd.DataFrame
    """The published EfficientNets of the same names; empty where the data are not ImageNet."""


def accuracy_against_cost(frames: RunFrames) -> AccuracyAgainstCost:
    """Test accuracies, and beside each what was expected and published of the same member."""
    networks = frames.trained.networks
    networks = networks[networks["test"].notna()].assign(member=lambda t: t["name"].str.upper())
    metrics = sorted(set(networks["metric"]))
    if len(metrics) > 1:
        for end in ("", "_low", "_high"):
            networks[f"test{end}"] = networks[f"top1{end}"]
    family = frames.family[["name", "forecast", "forecast_low", "forecast_high"]]
    expected = networks.merge(
        family.rename(columns={"name": "member"}), on="member", how="inner"
    ).dropna(subset=["forecast", "forecast_low", "forecast_high"])
    known = published_efficientnet()
    is_imagenet = networks["dataset"].str.lower().str.contains("imagenet") & (
        networks["classes"] == _IMAGENET
    )
    published = known[known["name"].isin(networks[is_imagenet]["member"])]
    return AccuracyAgainstCost(
        metrics[0] if len(metrics) == 1 else "accuracy",
        len(metrics) > 1,
        networks.reset_index(drop=True),
        expected.reset_index(drop=True),
        published.reset_index(drop=True),
    )


def accuracy_against_cost_figure(shown: AccuracyAgainstCost) -> go.Figure:
    """Test accuracy with 95 % intervals against MACs and params."""
    figure = make_subplots(cols=2, rows=1, horizontal_spacing=0.08, shared_yaxes=True)
    for column, (field, title) in enumerate((("macs", "MACs"), ("params", "params")), start=1):
        place = {"row": 1, "col": column}
        for trace in (_expected(shown, field), _published(shown, field), _tested(shown, field)):
            if len(trace["x"]):
                figure.add_scatter(**trace, **place, showlegend=column == 1)
        every = [*shown.networks[field], *shown.published[field]]
        figure.update_xaxes(
            title_text=f"{title} as trained",
            **theme.log_count_axis(min(every) / 1.3, 1.3 * max(every), least=3),
            **place,
        )
    theme.styled(figure, 440)
    figure.update_yaxes(title_text=f"{METRICS[shown.metric]} (%)", col=1)
    return stacked(figure, 280)


def _tested(shown: AccuracyAgainstCost, field: str) -> dict[str, Any]:
    rows = shown.networks
    return {
        "x": rows[field],
        "y": 100 * rows["test"],
        "error_y": _bars(rows, "test", theme.VERMILLION),
        "mode": "lines+markers+text",
        "name": f"test images, {METRICS[shown.metric]}, 95 %",
        "legendgroup": "test",
        "line": {"color": theme.VERMILLION, "width": 1.5},
        "marker": {"size": 9, "color": theme.VERMILLION},
        "text": [theme.escaped(name) for name in rows["name"]],
        "textposition": "top left",
        "textfont": {"size": 11.5, "color": theme.RUST},
        "hovertext": [_hover(row, shown.metric) for row in rows.to_dict("records")],
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _expected(shown: AccuracyAgainstCost, field: str) -> dict[str, Any]:
    rows = shown.expected
    return {
        "x": rows[field],
        "y": 100 * rows["forecast"],
        "error_y": _bars(rows, "forecast", theme.BLUE),
        "mode": "markers",
        "name": "expected proxy accuracy, 95 %",
        "legendgroup": "expected",
        "marker": {"symbol": "circle-open", "size": 9, "color": theme.BLUE},
        "hovertext": [
            theme.hover(
                f"{theme.escaped(row['name'])}, expected",
                [f"proxy accuracy {interval(row, 'forecast')}"],
            )
            for row in rows.to_dict("records")
        ],
        "hoverinfo": "text",
    }


def _published(shown: AccuracyAgainstCost, field: str) -> dict[str, Any]:
    rows = shown.published
    return {
        "x": rows[field],
        "y": rows["top1"],
        "mode": "markers",
        "name": "EfficientNet, published ImageNet top-1",
        "legendgroup": "published",
        "marker": {"symbol": "diamond-open", "size": 9, "color": theme.MUTED},
        "hovertext": [
            theme.hover(f"EfficientNet-{row['name']}", [f"published top-1 {row['top1']} %"])
            for row in rows.to_dict("records")
        ],
        "hoverinfo": "text",
    }


def _bars(rows: pd.DataFrame, name: str, color: str) -> dict[str, Any]:
    return {
        "type": "data",
        "array": 100 * (rows[f"{name}_high"] - rows[name]),
        "arrayminus": 100 * (rows[name] - rows[f"{name}_low"]),
        "color": color,
        "thickness": 1.2,
        "width": 4,
    }


def _hover(row: Mapping[Any, Any], metric: Metric) -> str:
    lines = [
        f"test {METRICS[metric]} {interval(row, 'test')}",
        f"of {theme.whole(row['test_images'])} test images",
        f"{theme.count(row['macs'], 4)} MACs at {theme.whole(row['pixels'])} px",
        f"{theme.count(row['params'], 4)} params",
    ]
    return theme.hover(theme.escaped(row["name"]), lines)


def interval(row: Mapping[Any, Any], name: str) -> str:
    """An accuracy and its 95 % interval: `93.7 % [90.1, 96.1]`."""
    low, high = 100 * row[f"{name}_low"], 100 * row[f"{name}_high"]
    return f"{theme.percent(row[name])} [{low:.1f}, {high:.1f}]"


def curves_figure(frames: RunFrames) -> go.Figure:
    """Training and minival accuracy by epoch; a diamond marks the epoch that was kept."""
    figure, trained = go.Figure(), frames.trained
    best = dict(zip(trained.networks["name"], trained.networks["best_epoch"], strict=True))
    metrics = dict(zip(trained.networks["name"], trained.networks["metric"], strict=True))
    for index, (name, curve) in enumerate(trained.curves.items()):
        color = theme.SERIES[index % len(theme.SERIES)]
        per_class = ", per class" if metrics.get(name) == "mean_per_class" else ""
        for field, title, dash in (
            ("minival", f"minival{per_class}", "solid"),
            ("train_accuracy", "training", "dot"),
        ):
            if curve[field].isna().all():
                continue
            kept = (curve["epoch"] == best.get(name)) & (field == "minival")
            figure.add_scatter(
                x=curve["epoch"],
                y=100 * curve[field],
                mode="lines+markers" if kept.any() or len(curve) == 1 else "lines",
                name=f"{theme.escaped(name)}, {title}",
                line={"color": color, "width": 1.8, "dash": dash},
                marker={
                    "symbol": "diamond",
                    "size": [9 if here or len(curve) == 1 else 0.1 for here in kept],
                    "color": color,
                },
                hovertemplate=f"<b>{theme.escaped(name)}</b>, epoch %{{x}}<br>"
                f"{title} accuracy %{{y:.1f}} %<extra></extra>",
            )
    theme.styled(figure, 440)
    # No tick stands between two epochs.
    longest = max((len(curve) for curve in trained.curves.values()), default=1)
    figure.update_xaxes(title_text="epoch", rangemode="tozero", dtick=max(1, round(longest / 8)))
    figure.update_yaxes(title_text="accuracy (%)")
    return figure


def confusion_figure(shown: Confusion) -> go.Figure:
    """Each row shows a class: the shares of its images that were taken for each column's."""
    classes = [theme.escaped(name) for name in shown.classes]
    totals = [max(1, sum(row)) for row in shown.counts]
    shares = [
        [100 * count / total for count in row]
        for row, total in zip(shown.counts, totals, strict=True)
    ]
    written = len(classes) <= _COUNTED
    ticks, short = list(range(len(classes))), [_short(name) for name in shown.classes]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            zmin=0,
            zmax=100,
            customdata=shown.counts,
            text=[[str(c) if c else "" for c in row] for row in shown.counts] if written else None,
            texttemplate="%{text}" if written else None,
            colorscale=[[0, "#ffffff"], [0.05, "#deebf7"], [1, theme.TINTS[0]]],
            textfont={"color": theme.INK},
            colorbar={"title": {"text": "% of the class"}, "thickness": 12, "outlinewidth": 0},
            hovertext=[[f"{a} taken for {b}" for b in classes] for a in classes],
            hovertemplate="<b>%{hovertext}</b><br>%{customdata} images, %{z:.1f} % of the class"
            "<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    theme.styled(figure, 480)
    named = {"tickvals": ticks, "ticktext": short} if len(classes) <= _NAMED else {}
    figure.update_xaxes(title_text="taken for", showgrid=False, **named)
    figure.update_yaxes(title_text="class", autorange="reversed", showgrid=False, **named)
    # Cells of a telephone hold no more than two figures; the table has what was confused.
    hidden = {0: {"texttemplate": "", "colorbar": {"title": {"text": "%"}}}}
    return on_narrow(figure, {}, hidden if len(classes) > _NARROW_COUNTED else None)


def _short(name: str) -> str:
    """A name that leaves the cells of a figure their room; its hover label has all of it."""
    whole = len(name) <= _LONGEST
    return theme.escaped(name if whole else f"{name[: _LONGEST - 1]}…")
