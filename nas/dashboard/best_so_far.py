"""The search over its trials: the best reward so far, or how far the front had come."""

import math
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.html import Markup, table
from nas.dashboard.trials import BASELINE
from nas.dashboard.wording import trial_hovers


@dataclass(frozen=True, slots=True)
class BestSoFar:
    """What the figure draws."""

    trials: pd.DataFrame
    """Finished trials in order: number, value (the reward; NaN for a front), best, hover."""
    title: str
    """What `best` is."""


def best_so_far(frames: RunFrames) -> BestSoFar:
    """The best reward so far; without rewards the share of the final front's hypervolume."""
    trials = frames.finished
    trials = trials.assign(hover=trial_hovers(frames, trials))
    if not frames.settings.is_front and trials["reward"].notna().any():
        best = trials["reward"].cummax()
        return BestSoFar(trials.assign(value=trials["reward"], best=best), "reward")
    shares = hypervolume_shares(list(trials["accuracy"]), list(trials["macs"]))
    return BestSoFar(trials.assign(value=math.nan, best=shares), "share of the final hypervolume")


def hypervolume_shares(accuracies: list[float], macs: list[float]) -> list[float]:
    """Hypervolume of the front after each trial, over that of them all.

    In accuracy and log MACs, from the least accurate and the dearest trial.
    """
    floor, ceiling = min(accuracies, default=0.0), math.log(max(macs, default=1.0))
    front: list[tuple[float, float]] = []
    volumes: list[float] = []
    for accuracy, cost in zip(accuracies, macs, strict=True):
        saved, gained = ceiling - math.log(cost), accuracy - floor
        if not any(s >= saved and g >= gained for s, g in front):
            kept = [(s, g) for s, g in front if s > saved or g > gained]
            front = sorted([*kept, (saved, gained)], reverse=True)
        volumes.append(_staircase(front))
    last = volumes[-1] if volumes else 0.0
    return [volume / last if last else 1.0 for volume in volumes]


def _staircase(front: list[tuple[float, float]]) -> float:
    """Area under points of falling first and rising second coordinate."""
    area, reached = 0.0, 0.0
    for saved, gained in front:
        area += saved * (gained - reached)
        reached = gained
    return area


def best_so_far_figure(frames: RunFrames) -> go.Figure:
    """The best reward so far over the trials."""
    shown = best_so_far(frames)
    trials, rewards = shown.trials, shown.title == "reward"
    low, high = theme.visible_range([*trials["value"], *trials["best"]])
    figure = go.Figure()
    if rewards:
        figure.add_scatter(
            x=trials["number"],
            y=trials["value"].clip(lower=low),
            mode="markers",
            name="reward of a trial",
            marker={
                "color": theme.POINT,
                "size": 6,
                "opacity": 0.75,
                "symbol": ["triangle-down" if v < low else "circle" for v in trials["value"]],
            },
            hovertext=trials["hover"],
            hoverinfo="text",
            cliponaxis=False,
        )
    figure.add_scatter(
        x=trials["number"],
        y=trials["best"],
        mode="lines",
        line={"shape": "hv", "color": theme.BLUE, "width": 2.5},
        name="best reward so far" if rewards else "front so far",
        hovertemplate="after trial %{x}: %{y:.4f}<extra></extra>",
    )
    baseline = trials[trials["baseline"]].head(1)
    if not baseline.empty:
        figure.add_scatter(
            x=baseline["number"],
            y=baseline["value" if rewards else "best"],
            mode="markers",
            name="baseline",
            marker=BASELINE,
            hovertext=baseline["hover"],
            hoverinfo="text",
        )
    theme.styled(figure, 490)
    figure.update_xaxes(title_text="trial", dtick=1 if len(trials) < 10 else None)
    figure.update_yaxes(
        title_text=shown.title, range=[low, high], tickformat=".3f" if rewards else ".2f"
    )
    return figure


def best_so_far_table(frames: RunFrames) -> Markup:
    """A row a trial that raised the best: what it reached, and its cost."""
    shown = best_so_far(frames)
    raised = shown.trials[shown.trials["best"].diff().fillna(1.0) > 0]
    rows = [
        [
            theme.number(row["number"], 0),
            theme.number(row["best"], 4),
            theme.percent_pm(row["accuracy"], row["accuracy_stderr"], 2).removesuffix(" %"),
            theme.count(row["macs"]),
        ]
        for row in raised.to_dict("records")
    ]
    header = ["trial", shown.title, "proxy accuracy (%)", "MACs"]
    return table(header, rows, words=0, name="Trials that raised the best so far")
