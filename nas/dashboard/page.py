"""Sections and panels as one HTML file that needs nothing else."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from nas.dashboard.html import Markup, element, join
from nas.dashboard.theme import DARK

SCRIPTS = ("figures.js", "labels.js", "downloads.js", "tables.js", "page.js")
"""The page's own scripts; one after the other they are a single one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A figure, a table, or both, under a title."""

    id: str
    title: str
    caption: str | Markup = ""
    figure: go.Figure | None = None
    table: Markup | None = None
    open_table: bool = False
    """The table is the panel's point, not its fine print."""
    wide: bool = False
    """Takes the page's whole width, on wide screens too."""
    least_width: int = 0
    """Pixels that the figure needs, however it is laid out; on a narrower screen it scrolls within
    its panel."""


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a heading."""

    id: str
    title: str
    panels: Sequence[Panel]
    missing: Markup | None = None
    """What the section lacks, and what would make it."""
    verdict: str = ""
    """What it comes to, in a sentence."""


def render_page(title: str, header: Markup, sections: Sequence[Section], footer: Markup) -> str:
    """The page as text. plotly.js is in it once; a policy forbids it to load anything."""
    panels = [panel for section in sections for panel in section.panels]
    figures = {panel.id: panel.figure for panel in panels if panel.figure is not None}
    numbers = {id_: index for index, id_ in enumerate(figures, start=1)}
    own = '"use strict";\n' + "\n".join(map(_asset, SCRIPTS))
    scripts = (get_plotlyjs(), own)
    links = [element("a", section.title, href=f"#{section.id}") for section in sections]
    return Template(_asset("page.html")).substitute(
        title=join([title]),
        policy=_policy(scripts),
        style=_asset("page.css"),
        header=header.text,
        nav=element("nav", *links, aria_label="Sections").text,
        sections=join((_section(section, numbers) for section in sections), "\n"),
        footer=footer.text,
        dark=json.dumps(DARK),
        data="\n".join(_data(id_, figure) for id_, figure in figures.items()),
        plotly=scripts[0],
        script=scripts[1],
    )


def _policy(scripts: Sequence[str]) -> str:
    """Only these scripts run, and nothing is fetched from anywhere."""
    digests = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _section(section: Section, numbers: dict[str, int]) -> Markup:
    missing = [element("p", section.missing, class_="missing")] if section.missing else []
    verdict = [element("p", section.verdict, class_="verdict")] if section.verdict else []
    panels = [_panel(panel, numbers.get(panel.id)) for panel in section.panels]
    return element(
        "section",
        element("h2", section.title, id=f"{section.id}-title"),
        *verdict,
        *missing,
        element("div", *panels, class_="panels"),
        id=section.id,
        aria_labelledby=f"{section.id}-title",
    )


def _panel(panel: Panel, number: int | None) -> Markup:
    title, caption = f"{panel.id}-title", f"{panel.id}-caption"
    content = [element("h3", panel.title, id=title)]
    if panel.figure is not None:
        style = f"height: {panel.figure.layout.height}px; min-width: {panel.least_width}px"
        plot = element("div", id=panel.id, class_="plot", style=style, role="img",
                       aria_labelledby=title, aria_describedby=caption)  # fmt: skip
        scrolls = {"tabindex": "0"} if panel.least_width else {}
        content.append(element("div", plot, class_="scroll", **scrolls))
    if panel.table is not None and panel.open_table:
        content.append(panel.table)
    label = "" if number is None else f"Figure {number}. "
    content.append(element("figcaption", element("b", label), panel.caption, id=caption))
    if panel.figure is not None:
        content.append(element("p", class_="tools figure-tools"))
    if panel.table is not None and not panel.open_table:
        content.append(element("details", element("summary", "As a table"), panel.table))
    return element("figure", *content, class_="panel wide" if panel.wide else "panel")


def _data(id_: str, figure: go.Figure) -> str:
    # In a script element "<" alone could end it or start a comment.
    spec = str(figure.to_json()).replace("<", "\\u003c")
    return f'<script type="application/json" data-plot="{id_}">{spec}</script>'


def _asset(name: str) -> str:
    return resources.files("nas.dashboard").joinpath(name).read_text("utf-8")
