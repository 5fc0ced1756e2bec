"""How the figures look: colours, axes, and numbers spelt for people."""

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

# Okabe & Ito's palette, told apart with any colour vision, and greys.
BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
ORANGE = "#E69F00"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
RUST = "#a84300"
"""Vermillion for text: its contrast to white, and to a light grey, is above 4.5."""
INK = "#1c2127"
MUTED = "#5f6b7a"
POINT = "#8a97a8"
RULE = "#c9d0d9"
GRID = "#e9ecf0"
WASH = "#f3f6f9"

TINTS = ("#8cc9ee", "#ffffff", "#f3c566")
"""Less, as much, more: so light that text in the page's ink is read on all of them."""
DARK = {
    "#0072b2": "#5ab4ea",
    "#56b4e9": "#2f7fb5",
    "#009e73": "#2fc79b",
    "#e69f00": "#f0b429",
    "#d55e00": "#ff8a47",
    "#cc79a7": "#e29cc3",
    "#a84300": "#ff9d5c",
    "#1c2127": "#e6e9ee",
    "#5f6b7a": "#a3adba",
    "#8a97a8": "#7f8c9d",
    "#c9d0d9": "#3a434e",
    "#e9ecf0": "#262d36",
    "#f3f6f9": "#1c222a",
    "#8cc9ee": "#0b4f7a",
    "#f3c566": "#7a5300",
    "#deebf7": "#27425c",
    "#08306b": "#a6dcfa",
    "#ffffff": "#14181d",
    "white": "#14181d",
    "rgba(255,255,255,0.8)": "rgba(20,24,29,0.8)",
}
"""What each colour is on a dark page, as its own script puts it there; keys in lower case."""

SERIES = (VERMILLION, BLUE, GREEN, ORANGE, SKY, PURPLE, MUTED, INK)
"""Colours for curves in one figure; the first stands out most."""

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
PROXY_PERCENT = "proxy accuracy (%)"

_MANTISSAS: tuple[tuple[float, ...], ...] = (
    (1,),
    (1, 3),
    (1, 2, 5),
    (1, 1.5, 2, 3, 4, 6, 8),
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9),
)


_AXIS: dict[str, Any] = {
    "showline": True,
    "linecolor": RULE,
    "linewidth": 1,
    "gridcolor": GRID,
    "zeroline": False,
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": RULE,
    "tickfont": {"size": 12, "color": MUTED},
    "title": {"font": {"size": 13, "color": INK}, "standoff": 10},
    "automargin": True,
}

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 64, "r": 24, "t": 60, "b": 56},
        "hoverlabel": {
            "align": "left",
            "bgcolor": "white",
            "bordercolor": RULE,
            "font": {"family": FONT, "size": 12, "color": INK},
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 0.995,
            "yanchor": "top",
            "yref": "container",
            "font": {"size": 12.5},
        },
        "modebar": {"bgcolor": "white", "color": POINT, "activecolor": INK},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def styled(figure: go.Figure, height: int, **layout: Any) -> go.Figure:
    """The figure in the page's style, `height` pixels high and as wide as its place."""
    return figure.update_layout(template=TEMPLATE, height=height, autosize=True, **layout)


def log_count_axis(low: float, high: float, pad: float = 0.06, least: int = 4) -> dict[str, Any]:
    """A logarithmic axis over [low, high] whose ticks read 200M, 500M, 1B.

    Where an end has no logarithm, as in a file that somebody damaged, the axis is that of 1 to 10.
    """
    if not (0 < low <= high < math.inf):
        low, high = 1.0, 10.0
    bottom, top = math.log10(low), math.log10(high)
    margin = max(pad * (top - bottom), 0.02)
    bottom, top = bottom - margin, top + margin
    ticks = log_ticks(10**bottom, 10**top, least)
    return {
        "type": "log",
        "range": [bottom, top],
        "tickvals": ticks,
        "ticktext": [count(tick) for tick in ticks],
        "minor": {"ticks": "", "showgrid": False},
    }


def log_ticks(low: float, high: float, least: int = 4) -> list[float]:
    """Round numbers from `low` to `high`, of the sparsest usual series that has `least` of them.

    Over a narrow range, where none has, at even steps.
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for mantissas in _MANTISSAS:
        ticks = [float(f"{m * 10.0**d:.6g}") for d in decades for m in mantissas]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= least:
            return ticks
    step = nice_step(high - low, least)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{index * step:.6g}") for index in range(first, last + 1)]


def nice_step(span: float, steps: int) -> float:
    """The 1-2-5 number that divides `span` into about `steps` parts."""
    rough = span / max(steps, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return float(min((1, 2, 5, 10), key=lambda m: abs(m * power - rough)) * power)


def visible_range(values: Iterable[float], pad: float = 0.06) -> tuple[float, float]:
    """The range of an axis that a few far-off low values do not squeeze the others with."""
    ordered = sorted(value for value in values if math.isfinite(value))
    if not ordered:
        return 0.0, 1.0
    low, high = ordered[0], ordered[-1]
    if len(ordered) >= 8:
        first, third = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
        fence = first - 2.0 * (third - first)
        if third > first:
            low = min(value for value in ordered if value >= fence)
    margin = (high - low) * pad or max(abs(high) * 0.02, 1e-3)
    return low - margin, high + margin


def count(number: float | None, digits: int = 3) -> str:
    """A large count with its unit: 385.8M is spelt 386M, 1827141392 is 1.83B."""
    if number is None or not math.isfinite(number):
        return "–"
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size * (1 - 0.5 * 10.0**-digits):
            return f"{_significant(number / size, digits)}{unit}"
    return _significant(number, digits)


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction as a percentage."""
    if fraction is None or not math.isfinite(fraction):
        return "–"
    return f"{100 * fraction:.{digits}f} %"


def percent_pm(fraction: float, stderr: float, digits: int = 1) -> str:
    """A mean with its standard error, where there is one, in percent."""
    if not math.isfinite(fraction):
        return "–"
    spread = f" ± {100 * stderr:.{digits}f}" if math.isfinite(stderr) else ""
    return f"{100 * fraction:.{digits}f}{spread} %"


def number(value: float | None, digits: int = 3) -> str:
    """A plain number to some decimals, a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def plain(value: float | None) -> str:
    """A number in as few digits as it takes, a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:g}"


def whole(value: float | None) -> str:
    """A whole number with thin spaces between the thousands."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{round(value):,}".replace(",", "\u2009")


def escaped(text: object) -> str:
    """Foreign text for a figure, where Plotly would take tags and links in it for its own."""
    return html.escape(str(text), quote=False)


def hover(title: str, lines: Sequence[str]) -> str:
    """The text of a hover label; `title` and `lines` are already escaped."""
    return "<br>".join([f"<b>{title}</b>", *lines])


def _significant(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e" in text else text
