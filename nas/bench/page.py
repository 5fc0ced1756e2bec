"""A bench as one HTML page: regret over trials, and the table."""

import itertools
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from nas.bench.runs import Result
from nas.bench.summary import SamplerSummary, regret_curve
from nas.dashboard import theme
from nas.dashboard.html import Markup, definitions, element, table
from nas.dashboard.page import Panel, Section, render_page

_DASHES = ("solid", "dash", "dot")
_DECADES = 4
"""Decades of regret that are drawn below where searches begin; less regret is as good as none."""


def bench_page(
    results: Sequence[Result],
    rows: Sequence[SamplerSummary],
    best: float,
    facts: dict[str, str],
    is_front: bool,
) -> str:
    """The page as text."""
    title = "Samplers on a landscape whose accuracies are known"
    header = element(
        "header",
        element("h1", "bench · nas-search"),
        element("p", title + ".", class_="lead"),
        element("div", element("div", definitions(facts)), class_="about"),
    )
    what = "1 less the share of the true front's hypervolume" if is_front else "simple regret"
    panel = Panel(
        id="regret",
        title="Regret over trials",
        caption=(
            f"Mean over searches of the {what} of what was found, on a logarithmic axis; shades: "
            "95 % intervals by bootstrap over searches. A curve that ends at the foot has found "
            "the best there is in every search."
        ),
        figure=regret_figure(results, best, what),
        table=_table(rows),
        wide=True,
    )
    figures = Panel(
        id="table",
        title="After so many trials",
        caption="Means over searches with 95 % intervals; ms: processor time a suggestion.",
        table=_table(rows),
        open_table=True,
        wide=True,
    )
    footer = element(
        "footer",
        "Regret: the best true reward there is less the best found. Observed: that of the network "
        "whose measurement was best. Recommended: that of the network the model names.",
    )
    section = Section("bench", "Samplers", (panel, figures))
    return render_page("bench · nas-search", header, (section,), footer)


def regret_figure(results: Sequence[Result], best: float, what: str) -> go.Figure:
    """A curve for each sampler, with its interval."""
    samplers = list(dict.fromkeys(result.sampler for result in results))
    curves = {s: regret_curve([r for r in results if r.sampler == s], best) for s in samplers}
    # The axis goes by the median sampler, as one may begin with the worst network, or the best.
    beginnings = [mean[0] for mean, _, _ in curves.values() if mean[0] > 0] or [1.0]
    floor = float(np.median(beginnings)) * 10.0**-_DECADES
    figure = go.Figure()
    styles = itertools.product(_DASHES, theme.SERIES)
    for (sampler, (mean, low, high)), (dash, colour) in zip(curves.items(), styles, strict=False):
        trials = np.arange(1, len(mean) + 1)
        name = theme.escaped(sampler)
        figure.add_scatter(
            x=np.concatenate([trials, trials[::-1]]),
            y=np.maximum(np.concatenate([high, low[::-1]]), floor),
            fill="toself",
            fillcolor=colour,
            opacity=0.12,
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
        )
        figure.add_scatter(
            x=trials,
            y=np.maximum(mean, floor),
            customdata=mean,
            name=name,
            legendgroup=name,
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash},
            hovertemplate=f"{name}: %{{customdata:.5f}} after %{{x}}<extra></extra>",
        )
    return theme.styled(
        figure,
        520,
        xaxis={"title": {"text": "finished trials"}, "range": [0, None]},
        yaxis={"title": {"text": what}, "type": "log", "exponentformat": "power", "dtick": 1},
    )


def _table(rows: Sequence[SamplerSummary]) -> Markup:
    header = ("sampler", "trials", "searches", "regret", "best found", "observed", "recommended")
    return table(
        (*header, "ms"),
        [
            (
                row.sampler,
                str(row.trials),
                str(row.searches),
                f"{row.regret:.5f}",
                f"{row.hit:.0%}",
                f"{row.observed:.5f}",
                "–" if row.recommended is None else f"{row.recommended:.5f}",
                f"{row.milliseconds:.1f}",
            )
            for row in rows
        ],
        name="After so many trials",
    )
