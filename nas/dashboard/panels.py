"""The sections of a run's page: what each panel shows, or what makes it."""

import pandas as pd

from nas.dashboard.ablation import ablation_table, dimensions_figure, ways_figure
from nas.dashboard.best_so_far import best_so_far_figure, best_so_far_table
from nas.dashboard.candidates import MOST_ROWS, candidates_figure
from nas.dashboard.choices import choices, choices_figure, choices_table
from nas.dashboard.commands import made_by_scale, made_by_search, made_by_sweep
from nas.dashboard.confirmed import confirmed_table
from nas.dashboard.family import growth_figure, growth_table, published_figure, published_table
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, phrase
from nas.dashboard.named import constants_verdict
from nas.dashboard.page import Panel, Section
from nas.dashboard.parts import arms_table, effects_figure, effects_table
from nas.dashboard.published import published_source
from nas.dashboard.scaling_panels import (
    candidates_caption,
    estimate_panels,
    forecast_panels,
    sweep_caption,
)
from nas.dashboard.state import unfinished
from nas.dashboard.sweep import sweep, sweep_figure
from nas.dashboard.tables import family_table, sweep_table
from nas.dashboard.trained_section import trained_sections
from nas.dashboard.trials import accuracy_against_macs_figure, macs_reward
from nas.dashboard.trials_table import trials_table
from nas.dashboard.wording import (
    ablation_words,
    parts_words,
    plural,
    proxy_sentence,
    proxy_words,
    reward_words,
    search_words,
    sweep_words,
)
from nas.statistics.factorial import verdict


def sections(frames: RunFrames) -> list[Section]:
    """Search, sweep, ablations, family and trained networks: in the order of a run."""
    is_begun = not frames.ablation.empty or "ablate" in frames.settings.stages
    ablations = [ablation_section(frames)] if is_begun else []
    if "parts" in frames.settings.stages:
        ablations.append(parts_section(frames))
    return [
        search_section(frames),
        sweep_section(frames),
        *ablations,
        family_section(frames),
        *trained_sections(frames),
    ]


def search_section(frames: RunFrames) -> Section:
    """Accuracy against MACs, the best so far, and what the best have in common."""
    finished, failed = frames.finished, frames.failed
    state = _state(frames, "search")
    if finished.empty:
        none = phrase(f"{plural(len(failed), 'trial')} failed, none finished{_last(failed)}.")
        missing = none if len(failed) else state or made_by_search(frames)
        return Section("search", "Search", [], missing)
    panels = [_macs_panel(frames), _progress_panel(frames)]
    if finished["confirmed"].notna().any():
        panels.append(_confirmed_panel(frames))
    if frames.choices:
        panels.append(_choices_panel(frames))
    return Section("search", "Search", panels, state or _state(frames, "confirm"))


def _state(frames: RunFrames, stage: str) -> Markup | None:
    said = unfinished(frames, stage)
    if (
        stage == "search"
        and "search" in frames.settings.stages
        and frames.trials.empty
        and not said
    ):
        said = "Its records are not in this folder, which gets them as trials.csv at the end."
    return phrase(said) if said else None


def _macs_panel(frames: RunFrames) -> Panel:
    caption: list[str | Markup] = [
        "Every trial; the line is the front of the best proxy accuracy for the MACs, with bars of "
        "one standard error where there are seeds to tell."
    ]
    objective = reward_words(macs_reward(frames))
    if objective and not frames.settings.is_front:
        caption += [" Thin lines join networks of equal reward, ", objective, "."]
    elif objective:
        caption.append(" Dashed: networks of the same soft reward as the baseline's.")
    if len(frames.failed):
        caption.append(f" Crosses on the axis: {plural(len(frames.failed), 'failed trial')}.")
    return Panel(
        id="accuracy-against-macs",
        title="Proxy accuracy against MACs",
        caption=phrase(*caption, proxy_sentence(search_words(frames))),
        figure=accuracy_against_macs_figure(frames),
        table=trials_table(frames),
    )


def _progress_panel(frames: RunFrames) -> Panel:
    if frames.settings.is_front:
        title = "The front over the trials"
        caption = (
            "Hypervolume of the front after each trial, over that of the final front: in proxy "
            "accuracy and log MACs, from the least accurate and the dearest trial."
        )
    else:
        title, caption = "Best reward so far", "The reward of each trial, and the best up to it."
    return Panel(
        id="progress",
        title=title,
        caption=caption,
        figure=best_so_far_figure(frames),
        table=best_so_far_table(frames),
    )


def _confirmed_panel(frames: RunFrames) -> Panel:
    words = proxy_words(frames.settings.confirm_evaluator, ())
    return Panel(
        id="confirmed",
        title="The best networks, trained alone",
        caption="What is expected goes by all of these trainings, with the search's own values as "
        "what was known before; ± is one standard error. Networks are tied with the baseline whose "
        "rewards are within two standard errors of the difference."
        f"{proxy_sentence(words)}",
        table=confirmed_table(frames),
        open_table=True,
        wide=True,
    )


def _choices_panel(frames: RunFrames) -> Panel:
    shown, finished = choices(frames), frames.finished
    return Panel(
        id="choices",
        title="Choices of the best tenth",
        caption=f"Share of each option among the best {shown.best} of {shown.all} trials (bold) "
        "and among them all; orange where the best chose it more often, blue where less often."
        f"{' Framed: the choice of the baseline.' if finished['baseline'].any() else ''}",
        figure=choices_figure(frames),
        table=choices_table(frames),
        wide=True,
    )


def sweep_section(frames: RunFrames) -> Section:
    """What the trainings say of the constants, and every candidate against its realised cost."""
    title, state = "Scaling constants", _state(frames, "sweep")
    if frames.sweep.empty:
        return Section("constants", title, [], state or made_by_sweep(frames))
    shown = sweep(frames)
    if shown.candidates.empty:
        candidates = plural(shown.failed, "candidate")
        none = phrase(f"{candidates} failed, none finished{_last(frames.sweep)}.")
        return Section("constants", title, [], none)
    against_cost = Panel(
        id="sweep",
        title="Proxy accuracy of the scaled networks against their real cost",
        caption=f"{sweep_caption(shown, _turn(frames))}{proxy_sentence(sweep_words(frames))}",
        figure=sweep_figure(frames),
        table=sweep_table(frames),
    )
    each = Panel(
        id="candidates",
        title="The candidates",
        caption=candidates_caption(shown, frames.rule, MOST_ROWS),
        figure=candidates_figure(frames),
        table=sweep_table(frames),
    )
    panels = [*estimate_panels(frames), against_cost, each]
    return Section("constants", title, panels, state, constants_verdict(frames.constants))


def ablation_section(frames: RunFrames) -> Section:
    """One dimension grown alone, and against all three at equal cost."""
    title, words = "One dimension or all", ablation_words(frames)
    state = _state(frames, "ablate")
    if frames.ablation.empty:
        return Section("ablation", title, [], state)
    failed = frames.ablation[frames.ablation["accuracy"].isna()]
    if len(failed) == len(frames.ablation):
        none = phrase(f"{plural(len(failed), 'way')} failed, none finished{_last(failed)}.")
        return Section("ablation", title, [], none)
    left_out = f" {plural(len(failed), 'way')} failed; the table has why." if len(failed) else ""
    alone = Panel(
        id="dimensions",
        title="Proxy accuracy of growing one dimension alone",
        caption="Laid out as the paper's Figure 3, with proxy accuracies in place of its ImageNet "
        f"ones. From the baseline on; bars are one standard error.{proxy_sentence(words)}",
        figure=dimensions_figure(frames),
        table=ablation_table(frames),
    )
    against = Panel(
        id="ways",
        title="Proxy accuracy of one dimension against all three, at equal MACs",
        caption="Laid out as the paper's Figure 8, with proxy accuracies in place of its ImageNet "
        "ones. Ways of the same cost are drawn side by side; bars are one standard error."
        f"{left_out}{proxy_sentence(words)}",
        figure=ways_figure(frames),
        table=ablation_table(frames),
    )
    return Section("ablation", title, [alone, against], state)


def parts_section(frames: RunFrames) -> Section:
    """What recipe, architecture and scaling are each worth, and every arm that tells it."""
    title, state, found = "Recipe or scaling?", _state(frames, "parts"), frames.parts.effects
    if not frames.parts.begun:
        return Section("parts", title, [], state)
    each = Panel(
        id="arms",
        title="The arms",
        caption="Every combination of the full and the plain version of each part, at MACs as "
        "equal as rounding leaves them; errors are pooled over all."
        f"{proxy_sentence(parts_words(frames))}",
        table=arms_table(frames),
        open_table=True,
        wide=True,
    )
    if found is None:
        return Section(
            "parts",
            title,
            [each],
            state or phrase("No effects can be told: an arm failed with every seed."),
        )
    worth = Panel(
        id="effects",
        title="What each part is worth",
        caption=f"{verdict(found)} Intervals hold the true value with 95 %, each for itself; × is "
        "by how much parts depend on each other.",
        figure=effects_figure(frames),
        table=effects_table(frames),
        wide=True,
    )
    return Section("parts", title, [worth, each], state)


def family_section(frames: RunFrames) -> Section:
    """Growth beside EfficientNet's, the published accuracies, and the table."""
    published = Panel(
        id="published",
        title="Published ImageNet top-1, not ours",
        caption=f"{published_source()}. GPipe (84.3 %) is left out: its FLOPs are not given.",
        figure=published_figure(frames),
        table=published_table(frames),
        wide=frames.family.empty,
    )
    if frames.family.empty:
        return Section("family", "Family", [published], made_by_scale(frames))
    growth = Panel(
        id="growth",
        title="Parameters and MACs against φ",
        caption="The published EfficientNets stand at the φ nearest to their coefficients: B1 0.5, "
        "B2 1, B3 2, B4 3.5, B5 5, B6 6, B7 7.",
        figure=growth_figure(frames),
        table=growth_table(frames),
    )
    networks = Panel(
        id="networks",
        title="The networks",
        caption="Ratios are to the baseline's MACs: nominal as φ asks, realised as rounded and "
        "built. Depth and width are multipliers before rounding; blocks and pixels are as built.",
        table=family_table(frames),
        open_table=True,
        wide=True,
    )
    return Section("family", "Family", [*forecast_panels(frames), growth, published, networks])


def _turn(frames: RunFrames) -> str:
    """Whether the best direction turns with cost, in words; empty where nothing says."""
    said = frames.constants.get("turn_with_cost")
    return said if isinstance(said, str) else ""


def _last(failed: pd.DataFrame) -> str:
    reasons = [reason for reason in failed["reason"] if reason]
    return f"; the last: {reasons[-1]}" if reasons else ""
