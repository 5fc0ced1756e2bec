"""Recipe or scaling? What each part of a system is worth, with intervals."""

import math

import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table
from nas.dashboard.narrow import on_narrow
from nas.networks.cost import cost
from nas.statistics.factorial import Effect

_ON_AVERAGE = {"color": theme.VERMILLION, "symbol": "circle", "size": 10}
_ALONE = {"color": theme.BLUE, "symbol": "diamond-open", "size": 9}
_ASIDE = 0.16
"""How far apart the two intervals of a part are drawn, of the distance between parts."""


def effects_figure(frames: RunFrames) -> go.Figure:
    """Every effect in points with its interval, main effects on top; where there are any."""
    found, figure = frames.parts.effects, go.Figure()
    if found is None:
        return figure
    effects = [*found.main, *found.interactions]
    rows = {effect.factors: len(effects) - index for index, effect in enumerate(effects)}
    several = len(found.main) > 1
    aside = _ASIDE if several else 0.0
    average = "averaged over the other parts" if several else "full less plain"
    figure.add_scatter(**_points(effects, rows, average, _ON_AVERAGE, aside))
    if several:
        alone = "with all other parts full"
        figure.add_scatter(**_points(found.exchanged, rows, alone, _ALONE, -aside))
    theme.styled(figure, 150 + 44 * len(effects))
    figure.update_xaxes(title_text="points of proxy accuracy that the full version adds")
    figure.update_xaxes(zeroline=True, zerolinecolor=theme.POINT, zerolinewidth=1)
    names = [theme.escaped(effect.name) for effect in effects]
    ticks = {"tickvals": list(rows.values()), "ticktext": names, "showgrid": False, "ticks": ""}
    figure.update_yaxes(range=[0.4, len(effects) + 0.6], **ticks)
    broken = [name.replace(" × ", " ×<br>") for name in names]
    title = {"text": "points of proxy accuracy<br>that the full version adds"}
    return on_narrow(figure, {"yaxis": {"ticktext": broken}, "xaxis": {"title": title}})


def effects_table(frames: RunFrames) -> Markup:
    """A row an effect; the last is all of them."""
    found = frames.parts.effects
    if found is None:
        return table(["effect"], [])
    alone = {effect.factors: f"{effect.size.times(100):.2f}" for effect in found.exchanged}
    rows = [
        [effect.name, f"{effect.size.times(100):.2f}", alone.get(effect.factors, "")]
        for effect in (*found.main, *found.interactions)
    ]
    rows.append(["all, full less plain", f"{found.total.times(100):.2f}", ""])
    return table(
        ["points, with 95 % intervals", "on average", "all others full"],
        rows,
        name="What each part is worth",
    )


def arms_table(frames: RunFrames) -> Markup:
    """A row an arm, those without an accuracy among them."""
    noise = frames.parts.effects.noise if frames.parts.effects else math.nan
    first = frames.parts.arms[0].measured if frames.parts.arms else None
    unit = cost(first.arch).macs if first else math.nan
    rows = []
    for arm in frames.parts.arms:
        count, macs = (
            len(arm.accuracies),
            cost(arm.measured.arch).macs if arm.measured else math.nan,
        )
        mean = sum(arm.accuracies.values()) / count if count else math.nan
        error = noise / math.sqrt(count) if count else math.nan
        rows.append(
            [
                arm.name,
                arm.measured.arch.name if arm.measured else "–",
                theme.count(macs, 4),
                theme.number(macs / unit, 3),
                theme.percent_pm(mean, error, 2).removesuffix(" %"),
                f"{count} of {frames.parts.seeds}",
                arm.measured.reason if arm.measured else "",
            ]
        )
    header = ["arm", "network", "MACs", "over the first's", "proxy accuracy (%)", "seeds", "failed"]
    return table(header, rows, words=2, name="The arms")


def _points(
    effects: "list[Effect] | tuple[Effect, ...]",
    rows: dict[tuple[str, ...], int],
    name: str,
    marker: dict[str, object],
    aside: float,
) -> dict[str, object]:
    sizes = [effect.size.times(100) for effect in effects]
    hovers = [
        theme.hover(theme.escaped(effect.name), [f"{size:.2f} points", name])
        for effect, size in zip(effects, sizes, strict=True)
    ]
    return {
        "x": [size.value for size in sizes],
        "y": [rows[effect.factors] + aside for effect in effects],
        "error_x": {
            "type": "data",
            "array": [size.high - size.value for size in sizes],
            "arrayminus": [size.value - size.low for size in sizes],
            "color": marker["color"],
            "thickness": 1.4,
            "width": 4,
        },
        "mode": "markers",
        "marker": marker,
        "name": name,
        "hovertext": hovers,
        "hoverinfo": "text",
        "cliponaxis": False,
    }
