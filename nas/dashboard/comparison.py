"""Several runs side by side: their fronts in one figure, and the settings that differ."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.header import headline
from nas.dashboard.html import Markup, element, phrase, table
from nas.dashboard.page import Panel, Section, render_page
from nas.dashboard.trials import BASELINE
from nas.dashboard.wording import plural, search_words, trial_hovers
from nas.dashboard.write import footer
from nas.runs.folder import ASKED
from search_spaces.errors import shown
from search_spaces.files import read_text
from search_spaces.yaml_text import load_yaml

_LONGEST = 60
"""Characters of a setting's value."""
_UNSET = "–"


def comparison_page(
    runs: Sequence[RunFrames], links: Sequence[str] = (), *, live: bool = False
) -> str:
    """The page as text; `links` lead to a page of each run, where it has one."""
    names = labels([frames.folder for frames in runs])
    header = element(
        "header",
        element("h1", " · ".join(names)),
        element("p", f"{plural(len(runs), 'run')} side by side.", class_="lead"),
        _overview(runs, names, links),
    )
    return render_page(
        f"{' · '.join(names)} · nas-search",
        header,
        [_fronts_section(runs, names), _settings_section(runs, names)],
        footer(),
        live=live,
    )


def labels(folders: Sequence[Path]) -> list[str]:
    """A name for each folder: its own, with as many of those above as tell all apart."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-depth:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


def _overview(runs: Sequence[RunFrames], names: Sequence[str], links: Sequence[str]) -> Markup:
    """A column a run, a row a figure of its headline."""
    facts = [_facts(frames) for frames in runs]
    rows = [
        [fact, *(each.get(fact, _UNSET) for each in facts)]
        for fact in dict.fromkeys(fact for each in facts for fact in each)
    ]
    made = table(["", *names], rows)
    if not links:
        return made
    to_runs = [element("a", name, href=link) for name, link in zip(names, links, strict=True)]
    return element("div", element("nav", *to_runs, aria_label="Runs"), made)


def _facts(frames: RunFrames) -> dict[str, str]:
    finished, asked = len(frames.finished), frames.settings.trials_asked
    of = f" of {asked}" if asked is not None and finished < asked else ""
    facts = {"Under way": frames.holder} if frames.holder else {}
    if len(frames.trials):
        facts["Trials finished"] = f"{finished}{of}"
    return {**facts, **headline(frames)}


def _fronts_section(runs: Sequence[RunFrames], names: Sequence[str]) -> Section:
    searched = [(name, frames) for name, frames in zip(names, runs, strict=True)
                if not frames.finished.empty]  # fmt: skip
    if not searched:
        none = phrase("None of these runs has a finished trial yet.")
        return Section("fronts", "Search", [], none)
    caption = (
        "Lines are fronts: the best proxy accuracy for the MACs; faint points are the other "
        f"trials, stars the baselines. {_comparable(searched)}"
    )
    panel = Panel(
        id="fronts-figure",
        title="Proxy accuracy against MACs",
        caption=caption,
        figure=fronts_figure(searched),
        least_width=560,
        wide=True,
    )
    return Section("fronts", "Search", [panel])


def _comparable(searched: Sequence[tuple[str, RunFrames]]) -> str:
    """Whether the accuracies are of the same proxy, in a sentence."""
    words = {
        name: search_words(frames) or "an evaluator that says nothing" for name, frames in searched
    }
    if len(searched) == 1:
        return f"Proxy accuracy: {words[searched[0][0]]}."
    abouts = [dict(frames.settings.search_evaluator) for _, frames in searched]
    if all(about == abouts[0] for about in abouts):
        return f"Proxy accuracy, of all alike: {words[searched[0][0]]}."
    of_each = "; ".join(f"{name}: {said}" for name, said in words.items())
    return f"The accuracies are not of the same proxy, and do not compare. {of_each}."


def fronts_figure(searched: Sequence[tuple[str, RunFrames]]) -> go.Figure:
    """The front of every run that has one, over its other trials."""
    trials = [frames.finished for _, frames in searched]
    costs = pd.concat([each["macs"] for each in trials])
    accuracies = pd.concat([each["accuracy"] for each in trials])
    low, high = (100 * end for end in theme.visible_range(accuracies))
    figure = go.Figure()
    for index, (name, frames) in enumerate(searched):
        color = theme.SERIES[index % len(theme.SERIES)]
        known = frames.finished
        known = known.assign(hover=[f"<b>{theme.escaped(name)}</b> {text}"
                                    for text in trial_hovers(frames, known)])  # fmt: skip
        front = known[known["front"]].sort_values("macs")
        faint = {"color": color, "size": 5, "opacity": 0.3}
        _add(figure, known[~known["front"]], low, name, marker=faint, mode="markers",
             showlegend=False)  # fmt: skip
        line = {"shape": "hv", "color": color, "width": 2}
        _add(figure, front, low, name, marker={"color": color, "size": 7}, line=line,
             mode="lines+markers")  # fmt: skip
        _add(figure, known[known["baseline"]].head(1), low, name, mode="markers",
             marker=BASELINE | {"color": color}, showlegend=False)  # fmt: skip
    theme.styled(figure, 520)
    axis = theme.log_count_axis(costs.min(), costs.max())
    figure.update_xaxes(title_text="MACs of the full-size network", **axis)
    figure.update_yaxes(title_text=theme.PROXY_PERCENT, range=[low, high])
    return figure


def _add(figure: go.Figure, points: pd.DataFrame, low: float, name: str, **style: Any) -> None:
    figure.add_scatter(
        x=points["macs"],
        y=(100 * points["accuracy"]).clip(lower=low),
        name=theme.escaped(name),
        legendgroup=name,
        hovertext=points["hover"],
        hoverinfo="text",
        **style,
    )


def _settings_section(runs: Sequence[RunFrames], names: Sequence[str]) -> Section:
    rows = differing([_config(frames.folder) for frames in runs])
    if not rows:
        same = phrase("The runs were made with the same settings.")
        return Section("settings", "Settings", [], same)
    panel = Panel(
        id="settings-that-differ",
        title="Settings that differ",
        caption="What the records of each stage were made with, where two runs have the stage.",
        table=table(["setting", *names], rows, words=len(names) + 1),
        open_table=True,
        wide=True,
    )
    return Section("settings", "Settings", [panel])


def differing(configs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row a setting that differs: its name, and its value in each run.

    A stage that fewer than two runs have is left out, and so is how much of a stage was asked for.
    """
    rows = []
    stages = dict.fromkeys(name for config in configs for name in config)
    for stage in stages:
        known = [
            dict(_flat(config[stage], stage)) if isinstance(config.get(stage), Mapping) else None
            for config in configs
        ]
        present = [each for each in known if each is not None]
        if len(present) < 2:
            continue
        for name in dict.fromkeys(name for each in present for name in each):
            values = [each.get(name, _UNSET) for each in present]
            if any(value != values[0] for value in values):
                cells = [_UNSET if each is None else each.get(name, _UNSET) for each in known]
                rows.append([name, *cells])
    return rows


def _flat(node: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name != ASKED:
                yield from _flat(value, f"{path}.{name}")
    else:
        yield path, node if isinstance(node, str) else shown(node, _LONGEST)


def _config(folder: Path) -> Mapping[str, Any]:
    path = folder / "config.yaml"
    found = load_yaml(read_text(path), str(path)) if path.exists() else {}
    return found if isinstance(found, Mapping) else {}
