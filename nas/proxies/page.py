"""A check as one HTML page: each proxy's accuracies beside the true ones, and the table."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.html import Markup, definitions, element, table
from nas.dashboard.page import Panel, Section, render_page
from nas.networks.cost import cost
from nas.proxies.report import HEADER, Baseline, Verdict, cells, conclusion
from nas.statistics.intervals import Interval
from search_spaces.arch import Arch

_BLUES = [[0, "#deebf7"], [1, "#08306b"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a check found, and how."""

    archs: Sequence[Arch]
    space: str
    """Its name."""
    proxied: Mapping[str, Mapping[str, float]]
    """Accuracies by proxy and network."""
    truth: Mapping[str, float]
    """The true accuracies by network."""
    reference: str | None
    """The proxy that stands for the truth; None where there is a truth."""
    about: Mapping[str, str]
    """How the accuracies of each proxy came about, in words."""
    verdicts: Sequence[Verdict]
    baselines: Sequence[Baseline]

    @property
    def against(self) -> str:
        """What proxies are held against."""
        return "true accuracies" if self.reference is None else f"proxy {self.reference!r}"

    @property
    def compared(self) -> tuple[Verdict, ...]:
        """Those of the proxies that are held against another one, or the truth."""
        return tuple(v for v in self.verdicts if v.proxy != self.reference)


def check_page(found: Check) -> str:
    """The page as text."""
    facts = {"space": found.space, "networks": str(len(found.archs)), "against": found.against}
    header = element(
        "header",
        element("h1", "proxy-check · nas-search"),
        element("p", f"How well proxies rank {len(found.archs)} networks.", class_="lead"),
        element("p", conclusion(found.verdicts, found.reference), class_="verdict"),
        element(
            "div",
            element("div", element("h2", "What was checked"), definitions(facts)),
            element("div", element("h2", "The proxies"), definitions(found.about)),
            class_="about",
        ),
    )
    footer = element(
        "footer",
        "Seconds are processor time of one core. Where there is no table of true accuracies, the "
        "proxy that takes longest stands for the truth, and is compared with nothing.",
    )
    sections = [Section("ranks", "Ranks", (_ranking(found),))]
    each = (*_scatters(found), *_epochs(found.compared))
    if each:
        sections.append(Section("networks", "Networks", each))
    return render_page("proxy-check · nas-search", header, sections, footer)


def _ranking(found: Check) -> Panel:
    return Panel(
        id="ranking",
        title="How well each ranks",
        caption=(
            "Kendall's τ with its 95 % interval, by bootstrap over networks. Less MACs': the gain "
            "over MACs alone; with MACs: of both in equal parts; of the reward: of what a search "
            "would maximise. Spread: how far the proxy's accuracies lie apart, over how far the "
            "true ones do, as shares of their means. Calibrated: of the reward, once that is "
            "evened out."
        ),
        figure=ranking_figure(found.compared, found.baselines),
        table=table(
            HEADER,
            cells(found.verdicts, found.baselines, found.reference),
            name="How well each ranks",
        ),
        open_table=True,
        wide=True,
    )


def _scatters(found: Check) -> Iterator[Panel]:
    for number, v in enumerate(found.compared):
        yield Panel(
            id=f"accuracies-{number}",
            title=f"{v.proxy}: τ {v.tau:.2f}",
            caption="A point is a network. What ranks well rises from left to right.",
            figure=accuracies_figure(
                found.archs, found.proxied[v.proxy], found.truth, found.against
            ),
            table=accuracies_table(found.archs, found.proxied[v.proxy], found.truth, v.proxy),
        )


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
            table=epochs_table(verdicts),
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
                "colorscale": _BLUES,
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


def accuracies_table(
    archs: Sequence[Arch], proxied: Mapping[str, float], truth: Mapping[str, float], proxy: str
) -> Markup:
    """A row a network that has both accuracies, cheapest first."""
    both = [arch for arch in archs if arch.key() in proxied and arch.key() in truth]
    rows = [
        [
            arch.key(),
            theme.count(cost(arch).macs, 4),
            theme.percent(proxied[arch.key()], 2).removesuffix(" %"),
            theme.percent(truth[arch.key()], 2).removesuffix(" %"),
        ]
        for arch in sorted(both, key=lambda arch: cost(arch).macs)
    ]
    header = ["network", "MACs", "proxy accuracy (%)", "held against (%)"]
    return table(header, rows, name=f"Accuracies of {proxy}")


def epochs_table(verdicts: Sequence[Verdict]) -> Markup:
    """A row an epoch, a column a proxy."""
    known = [v for v in verdicts if v.by_epoch]
    rows = [
        [str(epoch + 1)]
        + [f"{v.by_epoch[epoch]:.2f}" if epoch < len(v.by_epoch) else "" for v in known]
        for epoch in range(max(len(v.by_epoch) for v in known))
    ]
    header = ["epoch", *(v.proxy for v in known)]
    return table(header, rows, words=0, name="When the order appears")


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
