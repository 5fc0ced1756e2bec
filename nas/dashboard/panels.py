"""The sections of a run's page: which panel shows what, and what to do where one is empty."""

import shlex
from collections.abc import Callable

import plotly.graph_objects as go

from nas.dashboard.choices import choices, choices_figure
from nas.dashboard.facts import family_table, sweep_table
from nas.dashboard.family import growth_figure, published_figure
from nas.dashboard.frames import RunFrames
from nas.dashboard.page import Panel, Section
from nas.dashboard.progress import progress_figure
from nas.dashboard.published import published_source
from nas.dashboard.sweep import MOST_ROWS, candidates_figure, sweep, sweep_figure
from nas.dashboard.trials import accuracy_against_macs_figure
from nas.dashboard.wording import proxy_words, reward_words


def sections(frames: RunFrames) -> list[Section]:
    """Search, sweep and family, in the order in which they are run."""
    return [search_section(frames), sweep_section(frames), family_section(frames)]


def search_section(frames: RunFrames) -> Section:
    """Accuracy against MACs, the best so far, and what the best have in common."""
    missing = "" if len(frames.finished) else f"nas-search search name={_name(frames)}"
    rewarded = bool(frames.finished["reward"].notna().any())
    macs = Panel(
        id="accuracy-against-macs",
        title="Proxy accuracy against MACs",
        caption=_macs_caption(frames),
        figure=_unless(missing, accuracy_against_macs_figure, frames),
        missing=missing,
    )
    so_far = Panel(
        id="progress",
        title="Best reward so far" if rewarded or missing else "The front so far",
        caption="Best reward after each trial; failed trials are left out."
        if rewarded
        else "Hypervolume of the front after each trial, over that of the final front, in proxy "
        "accuracy and log MACs from the least accurate and the dearest trial.",
        figure=_unless(missing, progress_figure, frames),
        missing=missing,
    )
    return Section("search", "Search", [macs, so_far, _choices_panel(frames, missing)])


def _macs_caption(frames: RunFrames) -> str:
    caption = "Every trial; the line is the front of best proxy accuracy for the MACs."
    objective = reward_words(frames.section("reward"))
    if frames.finished["reward"].notna().any() and objective:
        caption += f" Thin lines join networks of equal reward, {objective}."
    failed = len(frames.failed)
    if failed:
        caption += f" {failed} failed, crossed on the axis where they were priced."
    if words := proxy_words(frames):
        caption += f" Proxy accuracy: {words}."
    return caption


def _choices_panel(frames: RunFrames, missing: str) -> Panel:
    shown = choices(frames)
    none = not missing and shown.shares.empty
    return Panel(
        id="choices",
        title="Choices of the best tenth",
        caption=f"Share of each option among the best {shown.best} of {shown.all} trials (bold) "
        "and among them all; orange where the best chose it more often, blue where less. "
        "Framed: the baseline's.",
        figure=None if none else _unless(missing, choices_figure, frames),
        missing="" if none else missing,
        note="trials.csv has no column of a choice." if none else "",
        wide=True,
    )


def sweep_section(frames: RunFrames) -> Section:
    """Accuracy against realised cost, and every candidate with its constants."""
    baseline = shlex.quote(f"{frames.folder}/baseline.yaml")
    missing = f"nas-search sweep baseline={baseline}" if frames.sweep.empty else ""
    shown = sweep(frames)
    note = "" if missing or len(shown.candidates) else "No candidate of the sweep has an accuracy."
    draw = not missing and not note
    failed = f" {shown.failed} candidates have none." if shown.failed else ""
    more = len(shown.candidates) - MOST_ROWS
    cut = f" The best {MOST_ROWS} of {len(shown.candidates)}." if more > 0 else ""
    return Section(
        "constants",
        "Scaling constants",
        [
            Panel(
                id="sweep",
                title="Proxy accuracy of the scaled networks against their real cost",
                caption="Bars are one standard error over seeds. Filled circles are within the "
                f"noise of the winner: ties.{failed} Proxy accuracy: {proxy_words(frames)}.",
                figure=sweep_figure(frames) if draw else None,
                missing=missing,
                note=note,
            ),
            Panel(
                id="candidates",
                title="The candidates",
                caption="One row a distinct network. Rounding moves its cost from the nominal "
                f"α·β²·γ² to what is built.{cut}",
                figure=candidates_figure(frames) if draw else None,
                missing=missing,
                note=note,
                table=sweep_table(frames) if draw else None,
            ),
        ],
    )


def family_section(frames: RunFrames) -> Section:
    """Growth beside EfficientNet's, the published accuracies, and the table."""
    baseline = shlex.quote(f"{frames.folder}/baseline.yaml")
    missing = f"nas-search scale baseline={baseline}" if frames.family.empty else ""
    return Section(
        "family",
        "Family",
        [
            Panel(
                id="growth",
                title="Parameters and MACs against φ",
                caption="Published EfficientNet stands at the φ nearest to its coefficients "
                "(B1 0.5, B2 1, B3 2, B4 3.5, B5 5, B6 6, B7 7).",
                figure=_unless(missing, growth_figure, frames),
                missing=missing,
            ),
            Panel(
                id="published",
                title="Published ImageNet accuracies, not ours",
                caption=f"{published_source()}. GPipe (84.3 %) is left out: its FLOPs are not "
                "given.",
                figure=published_figure(frames),
            ),
            Panel(
                id="family-table",
                title="The networks",
                caption="MACs are multiply–adds of convolutions and linear layers. Ratios are to "
                "the baseline's MACs: nominal as φ asks, realised as rounded and built.",
                missing=missing,
                table=None if missing else family_table(frames),
                open_table=True,
                wide=True,
            ),
        ],
    )


def _unless(
    missing: str, draw: Callable[[RunFrames], go.Figure], frames: RunFrames
) -> go.Figure | None:
    return None if missing else draw(frames)


def _name(frames: RunFrames) -> str:
    return shlex.quote(frames.folder.name)
