"""From a run folder to its dashboard."""

from pathlib import Path

from nas.dashboard.frames import RunFrames, load_run
from nas.dashboard.growth_rule import GrowthRule
from nas.dashboard.header import baseline_table, headline, run_facts
from nas.dashboard.html import Markup, definitions, element
from nas.dashboard.page import render_page
from nas.dashboard.panels import sections
from nas.dashboard.state import run_state
from nas.dashboard.verdict import run_verdict
from nas.dashboard.wording import plural
from search_spaces.arch import Arch
from search_spaces.files import write_text


def write_dashboard(folder: Path, rule: GrowthRule) -> Path:
    """Write `dashboard.html` into the run folder, from whatever of the run is there.

    Its networks grow by `rule`, whose dimensions the page names.

    Raises UserError where the folder holds no run, or a file in it cannot be read.
    """
    frames = load_run(folder, rule)
    page = render_page(f"{frames.folder.resolve().name} · nas-search", _header(frames),
                       sections(frames), _footer())  # fmt: skip
    path = frames.folder / "dashboard.html"
    write_text(path, page)
    return path


def _header(frames: RunFrames) -> Markup:
    figures = [
        element("div", element("b", value), element("span", name))
        for name, value in headline(frames).items()
    ]
    facts = {name: value for name, value in run_facts(frames).items() if value}
    return element(
        "header",
        element("h1", frames.folder.resolve().name),
        element("p", _lead(frames), class_="lead"),
        *([element("p", said, class_="verdict")] if (said := run_verdict(frames)) else []),
        *([element("p", state, class_="state")] if (state := run_state(frames)) else []),
        *([element("div", *figures, class_="headline")] if figures else []),
        element(
            "div",
            *([element("div", element("h2", "What was run"), definitions(facts))] if facts else []),
            *([element("div", *_baseline(frames.baseline))] if frames.baseline else []),
            class_="about",
        ),
    )


def _baseline(baseline: Arch) -> tuple[Markup, Markup]:
    title = f"The baseline at {baseline.resolution} px, stage by stage"
    return element("h2", title), baseline_table(baseline)


def _lead(frames: RunFrames) -> str:
    parts = []
    if len(frames.trials):
        parts.append(f"a search over {plural(len(frames.trials), 'network')}")
    if len(frames.sweep):
        parts.append(f"a sweep over {plural(len(frames.sweep), 'scaled network')}")
    if len(frames.ablation):
        parts.append(f"an ablation over {plural(len(frames.ablation), 'network')}")
    if frames.parts.begun:
        parts.append(f"{plural(len(frames.parts.names), 'part')} taken apart")
    if len(frames.family):
        parts.append(f"a family of {plural(len(frames.family), 'network')}")
    if len(frames.trained.networks):
        parts.append(f"{plural(len(frames.trained.networks), 'network')} trained whole")
    text = ", ".join(parts) or "a run that has just begun"
    return f"{text[:1].upper()}{text[1:]}."


def _footer() -> Markup:
    return element(
        "footer",
        "Made by nas-search from the run folder's records. MACs are multiply–adds of convolutions "
        "and linear layers (what the papers call FLOPs), of the full-size network; accuracies are "
        "proxy accuracies unless labelled as test, minival, training or published.",
    )
