"""How figures are laid out on a telephone: what the page's script puts over them there."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

_GAP = 84
"""Pixels between two plots under each other: ticks, the title of an axis, that of the next plot."""
_AROUND = 140
"""Pixels above and below all plots."""


def on_narrow(
    figure: go.Figure,
    layout: Mapping[str, Any],
    data: Mapping[int, Mapping[str, Any]] | None = None,
) -> go.Figure:
    """The figure, whose `layout`, and `data` by number of the trace, are these on a telephone."""
    said = {
        "layout": dict(layout),
        "data": {str(key): dict(of) for key, of in (data or {}).items()},
    }
    return figure.update_layout(meta={"narrow": said})


def stacked(
    figure: go.Figure,
    each: int,
    hidden: int = 0,
    data: Mapping[int, Mapping[str, Any]] | None = None,
) -> go.Figure:
    """The figure, whose plots stand under each other on a telephone, `each` pixels high.

    The first `hidden` of them are left out there. Titles of plots are the first annotations.
    """
    axes = sorted(
        (name for name in figure.layout if name.startswith("xaxis")),
        key=lambda name: (len(name), name),
    )
    numbers = [name.removeprefix("xaxis") for name in axes]
    shown = len(numbers) - hidden
    area = shown * each + (shown - 1) * _GAP
    layout: dict[str, Any] = {"height": area + _AROUND}
    title = figure.layout.yaxis.title.text
    annotations = [note.to_plotly_json() for note in figure.layout.annotations]
    for place, number in enumerate(numbers):
        if place < hidden:
            layout[f"xaxis{number}"] = layout[f"yaxis{number}"] = {"visible": False}
            continue
        top = 1 - (place - hidden) * (each + _GAP) / area
        axis: dict[str, Any] = {
            "domain": [max(0.0, top - each / area), top],
            "showticklabels": True,
        }
        if title and not figure.layout[f"yaxis{number}"].title.text:
            axis["title"] = {"text": title}
        layout[f"xaxis{number}"] = {"domain": [0, 1]}
        layout[f"yaxis{number}"] = axis
        if place < len(annotations) and annotations[place].get("yref") == "paper":
            annotations[place] |= {"x": 0.5, "y": top}
    return on_narrow(figure, {**layout, "annotations": annotations}, data)
