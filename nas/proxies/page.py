"""A check as one HTML page: each proxy's accuracies beside the true ones, and the table."""

import itertools
import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.html import definitions, element, table
from nas.dashboard.page import Panel, Section, render_page
from nas.networks.cost import cost
from nas.proxies.report import HEADER, Baseline, Verdict, cells
from nas.statistics.intervals import Interval
from search_spaces.arch import Arch


def check_page(
    archs: Sequence[Arch],
    proxied: Mapping[str, Mapping[str, float]],
    truth: Mapping[str, float],
    verdicts: Sequence[Verdict],
    baselines: Sequence[Baseline],
    details: Mapping[str, str],
    against: str,
) -> str:
    """The page as text.

    `proxied` holds accuracies by proxy and network, `truth` the true ones by network; `against` is
    what the page calls those.
    """
    header = element(
        "header",
        element("h1", "proxy-check · nas-search"),
        element("p", f"How well proxies rank {len(archs)} networks.", class_="lead"),
        element(
            "div", element("div", definitions({**details, "against": against})), class_="about"
        ),
    )
    scatters = [
        Panel(
            id=f"accuracies-{number}",
            title=f"{v.proxy}: τ {v.tau:.2f}",
            caption="A point is a network. What ranks well rises from left to right.",
            figure=accuracies_figure(archs, proxied[v.proxy], truth, against),
        )
        for number, v in enumerate(verdicts)
    ]
    ranking = Panel(
        id="ranking",
        title="How well each ranks",
        caption=(
            "Kendall's τ with its 95 % interval, by bootstrap over networks. Less MACs': the gain "
            "over MACs alone; with MACs: of both in equal parts; of the reward: of what a search "
            "would maximise. Spread: how far the proxy's accuracies lie apart, over how far the "
            "true ones do, as shares of their means. Calibrated: of the reward, once that is "
            "evened out."
        ),
        figure=ranking_figure(verdicts, baselines),
        table=table(HEADER, cells(verdicts, baselines)),
        open_table=True,
        wide=True,
    )
    sections = (
        Section("ranks", "Ranks", (ranking,)),
        Section("networks", "Networks", (*scatters, *_epochs(verdicts))),
    )
    footer = element(
        "footer",
        "Seconds are processor time of one core. Where there is no table of true accuracies, the "
        "proxy that takes longest stands for the truth.",
    )
    return render_page("proxy-check · nas-search", header, sections, footer)


def _epochs(verdicts: Sequence[Verdict]) -> tuple[Panel, ...]:
    """The panel of τ by epoch; none where no proxy has more than one epoch."""
    if all(len(v.by_epoch) < 2 for v in verdicts):
        return ()
    return (
        Panel(
            id="epochs",
            title="When the order appears",
            caption="Kendall's τ of the accuracies after each epoch.",
            figure=epochs_figure(verdicts),
        ),
    )


def accuracies_figure(
    archs: Sequence[Arch], proxied: Mapping[str, float], truth: Mapping[str, float], against: str
) -> go.Figure:
    """True accuracies over a proxy's; points are darker for more MACs."""
    both = [arch for arch in archs if arch.key() in proxied and arch.key() in truth]
    macs = [float(cost(arch).macs) for arch in both]
    texts = [
        theme.hover(
            theme.escaped(arch.key()),
            [
                f"proxy {theme.percent(proxied[arch.key()], 2)}",
                f"true {theme.percent(truth[arch.key()], 2)}",
                f"{theme.count(count)} MACs",
            ],
        )
        for arch, count in zip(both, macs, strict=True)
    ]
    figure = go.Figure(
        go.Scatter(
            x=[100 * proxied[arch.key()] for arch in both],
            y=[100 * truth[arch.key()] for arch in both],
            mode="markers",
            hovertext=texts,
            hoverinfo="text",
            marker={
                "size": 9,
                "color": [math.log10(count) for count in macs],
                "colorscale": "Blues",
                "cmin": math.log10(min(macs)) - 0.4,
                "line": {"width": 1, "color": theme.MUTED},
                "colorbar": _macs_bar(min(macs), max(macs)),
            },
        )
    )
    return theme.styled(
        figure,
        420,
        margin={"t": 24},
        xaxis={"title": {"text": theme.PROXY_PERCENT}},
        yaxis={"title": {"text": f"{theme.escaped(against)} (%)"}},
    )


def ranking_figure(verdicts: Sequence[Verdict], baselines: Sequence[Baseline]) -> go.Figure:
    """τ of accuracies and of rewards, a row for each proxy and each baseline."""
    rows: list[tuple[str, Interval | None, Interval | None, Interval | None]] = [
        *((v.proxy, v.tau, v.reward, v.calibrated) for v in verdicts),
        *((b.name, b.tau, b.reward, None) for b in baselines),
    ]
    figure = go.Figure()
    kinds = (
        (1, "of accuracies", theme.BLUE, -0.2),
        (2, "of rewards", theme.VERMILLION, 0.0),
        (3, "of rewards, calibrated", theme.ORANGE, 0.2),
    )
    for column, name, colour, shift in kinds:
        shown = [(at, row[column]) for at, row in enumerate(rows)]
        taus = [(at, tau) for at, tau in shown if isinstance(tau, Interval)]
        figure.add_scatter(
            x=[tau.value for _, tau in taus],
            y=[at + shift for at, _ in taus],
            error_x={
                "type": "data",
                "array": [tau.high - tau.value for _, tau in taus],
                "arrayminus": [tau.value - tau.low for _, tau in taus],
                "thickness": 1.5,
                "width": 3,
            },
            name=name,
            mode="markers",
            marker={"size": 10, "color": colour},
            hovertext=[f"{tau:.2f}" for _, tau in taus],
            hoverinfo="text",
        )
    return theme.styled(
        figure,
        130 + 44 * len(rows),
        xaxis={"title": {"text": "Kendall's τ"}},
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [theme.escaped(name) for name, *_ in rows],
            "range": [len(rows) - 0.5, -0.5],
        },
    )


def epochs_figure(verdicts: Sequence[Verdict]) -> go.Figure:
    """τ after each epoch, a line for each proxy that has epochs."""
    figure, longest = go.Figure(), max(len(v.by_epoch) for v in verdicts)
    for v, colour in zip(verdicts, itertools.cycle(theme.SERIES)):
        figure.add_scatter(
            x=list(range(1, len(v.by_epoch) + 1)),
            y=v.by_epoch,
            name=theme.escaped(v.proxy),
            mode="lines+markers",
            line={"color": colour, "width": 2},
        )
    return theme.styled(
        figure,
        420,
        showlegend=True,
        xaxis={"title": {"text": "epochs"}, "dtick": max(1.0, theme.nice_step(longest, 10))},
        yaxis={"title": {"text": "Kendall's τ"}},
    )


def _macs_bar(low: float, high: float) -> dict[str, object]:
    ticks = theme.log_ticks(low / 1.02, high * 1.02)
    return {
        "title": {"text": "MACs", "font": {"size": 12}},
        "tickfont": {"size": 12, "color": theme.MUTED},
        "thickness": 12,
        "outlinewidth": 0,
        "tickvals": [math.log10(tick) for tick in ticks],
        "ticktext": [theme.count(tick) for tick in ticks],
    }
