"""The family: its growth beside the published one's, and the published accuracies."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table
from nas.dashboard.narrow import stacked
from nas.dashboard.published import published_efficientnet, published_networks

# Where each name stands clear of its neighbours; to the right of the point otherwise.
_LABEL_PLACES = {
    "NASNet-A": "bottom center",
    "PNASNet": "top left",
    "AmoebaNet-A": "middle left",
    "SENet": "middle right",
    "Inception-ResNet-v2": "top left",
    "Inception-v4": "bottom right",
    "DenseNet-169": "top left",
    "ResNet-50": "bottom right",
    "DenseNet-264": "top left",
    "Inception-v3": "middle left",
    "AmoebaNet-C": "middle left",
}
# The lowest of them leaves room for the names of our networks under the published ones.
_TOP1_RANGE = (74.0, 85.2)


@dataclass(frozen=True, slots=True)
class FamilyGrowth:
    """What the growth figure draws."""

    ours: pd.DataFrame
    """name, phi, params, macs of this run's family."""
    published: pd.DataFrame
    """name, phi, params, macs of EfficientNet-B0 to B7."""


def growth(frames: RunFrames) -> FamilyGrowth:
    """The family against φ; a network without a φ stands at the one published for its name."""
    published = published_efficientnet()
    known = dict(zip(published["name"], published["phi"], strict=True))
    ours = frames.family.assign(
        phi=frames.family["phi"].fillna(frames.family["name"].map(known)).astype(float)
    )
    return FamilyGrowth(ours[ours["phi"].notna()].sort_values("phi", ignore_index=True), published)


def growth_figure(frames: RunFrames) -> go.Figure:
    """Parameters and MACs against φ, ours and published."""
    shown = growth(frames)
    figure = make_subplots(cols=2, rows=1, horizontal_spacing=0.12)
    for column, (field, title) in enumerate((("params", "params"), ("macs", "MACs")), start=1):
        for name, networks, line, marker in (
            ("published EfficientNet", shown.published, {"dash": "dash", "color": theme.MUTED},
             {"symbol": "square-open", "size": 8}),
            ("this family", shown.ours, {"color": theme.BLUE}, {"symbol": "circle", "size": 8}),
        ):  # fmt: skip
            figure.add_scatter(
                x=networks["phi"],
                y=networks[field],
                mode="lines+markers+text" if name == "this family" else "lines+markers",
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                line={"width": 1.5, **line},
                marker=marker,
                text=[theme.escaped(network) for network in networks["name"]],
                textposition=_label_sides(networks, shown.published, field),
                textfont={"size": 11.5, "color": theme.BLUE},
                hovertext=[theme.escaped(network) for network in networks["name"]],
                customdata=[theme.count(value, 4) for value in networks[field]],
                hovertemplate="<b>%{hovertext}</b>, " + name + "<br>φ %{x}: %{customdata} " + title
                + "<extra></extra>",
                cliponaxis=False,
                row=1,
                col=column,
            )  # fmt: skip
        every = [*shown.ours[field].dropna(), *shown.published[field]]
        figure.update_yaxes(title_text=title, row=1, col=column)
        axis = theme.log_count_axis(min(every), max(every))
        figure.update_yaxes(row=1, col=column, **axis)
    theme.styled(figure, 440)
    figure.update_xaxes(title_text="φ")
    return stacked(figure, 260)


def growth_table(frames: RunFrames) -> Markup:
    """A row a network of the family, beside the published one of its name."""
    published = published_efficientnet().set_index("name")
    rows = []
    for row in growth(frames).ours.to_dict("records"):
        known = published.loc[row["name"]] if row["name"] in published.index else None
        rows.append(
            [
                row["name"],
                theme.plain(row["phi"]),
                theme.count(row["params"], 4),
                theme.count(row["macs"], 4),
                "" if known is None else theme.count(known["params"], 4),
                "" if known is None else theme.count(known["macs"], 4),
            ]
        )
    header = ["network", "φ", "params", "MACs", "published params", "published MACs"]
    return table(header, rows, name="Parameters and MACs against φ")


def _label_sides(networks: pd.DataFrame, published: pd.DataFrame, field: str) -> list[str]:
    """Names on the side of the rising curve that the published curve does not take."""
    theirs = np.interp(networks["phi"], published["phi"], np.log(published[field]))
    above = np.log(networks[field]) >= theirs
    return ["top left" if over else "bottom right" for over in above]


def published_figure(frames: RunFrames) -> go.Figure:
    """ImageNet top-1 of the paper's Table 2 against MACs; our family marks its MACs alone."""
    efficientnet, networks = published_efficientnet(), published_networks().dropna(subset="macs")
    figure = go.Figure()
    figure.add_scatter(
        x=networks["macs"],
        y=networks["top1"],
        mode="markers+text",
        name="other networks, published",
        marker={"symbol": "diamond", "size": 7, "color": theme.POINT},
        text=networks["name"],
        hovertext=networks["name"],
        textposition=[_LABEL_PLACES.get(name, "middle right") for name in networks["name"]],
        textfont={"size": 11, "color": theme.MUTED},
        customdata=[theme.count(value) for value in networks["macs"]],
        hovertemplate="<b>%{hovertext}</b><br>published ImageNet top-1 %{y} %, not ours<br>"
        "%{customdata} MACs<extra></extra>",
        cliponaxis=False,
    )
    figure.add_scatter(
        x=efficientnet["macs"],
        y=efficientnet["top1"],
        mode="lines+markers+text",
        name="EfficientNet, published",
        line={"color": theme.VERMILLION, "width": 2},
        marker={"size": 7},
        text=efficientnet["name"],
        hovertext=efficientnet["name"],
        textposition="top left",
        textfont={"size": 11.5, "color": theme.RUST},
        customdata=[theme.count(value, 4) for value in efficientnet["macs"]],
        hovertemplate="<b>EfficientNet-%{hovertext}</b><br>published ImageNet top-1 %{y} %, "
        "not ours<br>%{customdata} MACs<extra></extra>",
        cliponaxis=False,
    )
    every = [*networks["macs"], *efficientnet["macs"], *frames.family["macs"].dropna()]
    _mark_family(figure, frames.family)
    theme.styled(figure, 440)
    figure.update_xaxes(title_text="MACs", **theme.log_count_axis(min(every), 1.1 * max(every)))
    figure.update_yaxes(
        title_text="published ImageNet top-1 (%), not ours", range=list(_TOP1_RANGE)
    )
    return figure


def published_table(frames: RunFrames) -> Markup:
    """The published networks, cheapest first, and ours, of which nothing is published."""
    known = pd.concat(
        [
            published_efficientnet().assign(name=lambda t: "EfficientNet-" + t["name"]),
            published_networks(),
        ]
    )
    rows = [
        [row["name"], theme.count(row["macs"]), theme.count(row["params"]), f"{row['top1']:.1f}"]
        for row in known.sort_values("macs").to_dict("records")
    ]
    rows += [
        [f"{row['name']} of this family", theme.count(row["macs"]), theme.count(row["params"]), ""]
        for row in frames.family.to_dict("records")
    ]
    header = ["network", "MACs", "params", "published top-1 (%)"]
    return table(header, rows, name="Published ImageNet top-1")


def _mark_family(figure: go.Figure, family: pd.DataFrame) -> None:
    """Where our networks' MACs lie: on the axis, for they have no ImageNet accuracy."""
    figure.add_scatter(
        x=family["macs"],
        y=[_TOP1_RANGE[0]] * len(family),
        mode="markers+text",
        name="MACs of this family",
        marker={"symbol": "line-ns-open", "size": 12, "color": theme.BLUE, "line": {"width": 2}},
        text=[theme.escaped(name) for name in family["name"]],
        hovertext=[theme.escaped(name) for name in family["name"]],
        textposition="top center",
        textfont={"size": 11, "color": theme.BLUE},
        customdata=[theme.count(value, 4) for value in family["macs"]],
        hovertemplate="<b>%{hovertext}</b> of this family: %{customdata} MACs<extra></extra>",
        cliponaxis=False,
    )
