"""The search: the accuracy of every trial against its MACs."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from nas.dashboard import theme
from nas.dashboard.frames import RunFrames
from nas.dashboard.iso_lines import IsoLine, baseline_line, iso_lines
from nas.dashboard.wording import trial_hovers
from nas.searches.rewards import TargetReward

TRIAL = {"color": theme.POINT, "size": 7, "opacity": 0.75}
FRONT = {"color": theme.BLUE, "size": 8, "line": {"color": "white", "width": 1}}
ALONE = {"symbol": "circle-open", "size": 12, "color": theme.GREEN, "line": {"width": 1.5}}
FAILED = {"symbol": "x-thin", "size": 7, "line": {"color": theme.MUTED, "width": 1.5}}
BASELINE = {
    "symbol": "star",
    "size": 17,
    "color": theme.VERMILLION,
    "line": {"color": "white", "width": 1},
}
_FAR = 0.6
"""The part of the axis from which a label to the right of a line no longer fits on a telephone."""


@dataclass(frozen=True, slots=True)
class AccuracyAgainstMacs:
    """What the figure draws; accuracies are fractions."""

    trials: pd.DataFrame
    """Finished trials off the front, with their `hover`."""
    front: pd.DataFrame
    """The front, cheapest first."""
    baseline: pd.DataFrame
    """One row, or none."""
    confirmed: pd.DataFrame
    """Trials whose networks were trained alone too."""
    failed: pd.DataFrame
    """Failed trials that were priced."""
    iso_lines: tuple[IsoLine, ...]
    target: float | None
    """The MACs that the reward aims at."""
    macs_range: tuple[float, float]
    accuracy_range: tuple[float, float]


def accuracy_against_macs(frames: RunFrames) -> AccuracyAgainstMacs:
    """The trials as points, with the front, the baseline and lines of equal reward.

    Expects at least one finished trial.
    """
    finished = frames.finished
    finished = finished.assign(hover=trial_hovers(frames, finished))
    failed = frames.failed[frames.failed["macs"].notna()]
    failed = failed.assign(hover=trial_hovers(frames, failed))
    reward = macs_reward(frames)
    costs = [*finished["macs"], *failed["macs"], *([reward.target] if reward else [])]
    bars = finished["accuracy_stderr"].where(finished["front"]).fillna(0)
    ends = [*(finished["accuracy"] - bars), *(finished["accuracy"] + bars)]
    macs_range, accuracy_range = (min(costs), max(costs)), theme.visible_range(ends)
    baseline = finished[finished["baseline"]].head(1)
    return AccuracyAgainstMacs(
        trials=finished[~finished["front"]],
        front=finished[finished["front"]].sort_values("macs"),
        baseline=baseline,
        confirmed=finished[finished["confirmed"].notna()],
        failed=failed,
        iso_lines=_iso_lines(frames, baseline["reward"], macs_range, accuracy_range),
        target=reward.target if reward else None,
        macs_range=macs_range,
        accuracy_range=accuracy_range,
    )


def macs_reward(frames: RunFrames) -> TargetReward | None:
    """The reward, where it prices networks by their MACs."""
    costs = frames.trials["cost"].fillna(frames.trials["macs"])
    return frames.settings.reward if (costs == frames.trials["macs"]).all() else None


def _iso_lines(
    frames: RunFrames,
    rewards: pd.Series,
    macs: tuple[float, float],
    accuracies: tuple[float, float],
) -> tuple[IsoLine, ...]:
    reward = macs_reward(frames)
    if reward is None:
        return ()
    best = next(iter(rewards.dropna().tolist()), None)
    # Without a single reward, that of the baseline alone says why it was named.
    if frames.settings.is_front:
        return baseline_line(reward, macs, best)
    return iso_lines(reward, macs, accuracies, best)


def accuracy_against_macs_figure(frames: RunFrames) -> go.Figure:
    """Proxy accuracy of every trial against the MACs of the full-size network."""
    shown = accuracy_against_macs(frames)
    axis = theme.log_count_axis(*shown.macs_range)
    floor, ceiling = (100 * accuracy for accuracy in shown.accuracy_range)
    figure = go.Figure([_iso_trace(line, shown.iso_lines[0]) for line in shown.iso_lines])
    failed = shown.failed.assign(accuracy=shown.accuracy_range[0], accuracy_stderr=math.nan)
    for name, points, marker, mode in (
        ("trial", shown.trials, TRIAL, "markers"),
        ("front", shown.front, FRONT, "lines+markers"),
        ("trained alone too", shown.confirmed, ALONE, "markers"),
        ("failed", failed, FAILED, "markers"),
        ("baseline", shown.baseline, BASELINE, "markers"),
    ):
        if not points.empty:
            figure.add_trace(_points(points, floor, name, marker, mode))
    figure.update_layout(annotations=_iso_labels(shown.iso_lines, axis["range"], (floor, ceiling)))
    if shown.target is not None:
        figure.add_vline(shown.target, line={"color": theme.MUTED, "width": 1, "dash": "dot"})
        figure.add_annotation(_target_label(shown.target, axis["range"]))
    theme.styled(figure, 490, margin={"l": 64, "r": 64, "t": 60, "b": 56})
    at = f" at {frames.baseline.resolution} px" if frames.baseline else ""
    figure.update_xaxes(title_text=f"MACs of the full-size network{at}", **axis)
    figure.update_yaxes(title_text=theme.PROXY_PERCENT, range=[floor, ceiling])
    return figure


def _target_label(target: float, log_range: list[float]) -> dict[str, Any]:
    """At the foot of the target's line, on the side that is away from the nearer end."""
    low, high = log_range
    is_far = (math.log10(target) - low) / (high - low) > _FAR
    return {
        "x": math.log10(target),
        "xshift": -4 if is_far else 4,
        "yshift": 8,
        "xanchor": "right" if is_far else "left",
        "y": 0,
        "yref": "y domain",
        "yanchor": "bottom",
        "text": f"target {theme.count(target)}",
        "showarrow": False,
        "font": {"size": 12, "color": theme.MUTED},
    }


def _points(
    points: pd.DataFrame, floor: float, name: str, marker: dict[str, Any], mode: str
) -> go.Scatter:
    accuracy = 100 * points["accuracy"]
    # A value far below the others is drawn on the edge; its label says what it is.
    hidden = accuracy < floor
    symbol = marker.get("symbol", "circle")
    error = 100 * points["accuracy_stderr"] if name == "front" else pd.Series()
    return go.Scatter(
        x=points["macs"],
        y=accuracy.clip(lower=floor),
        mode=mode,
        name=name,
        line={"shape": "hv", "color": theme.BLUE, "width": 1.5},
        marker=marker | {"symbol": ["triangle-down" if off else symbol for off in hidden]},
        error_y=None
        if error.isna().all()
        else {"array": error.fillna(0), "color": theme.SKY, "thickness": 1.2, "width": 3},
        hovertext=points["hover"],
        hoverinfo="text",
        cliponaxis=False,
    )


def _iso_trace(line: IsoLine, first: IsoLine) -> go.Scatter:
    strong = line.through_baseline
    return go.Scatter(
        x=line.macs,
        y=[100 * accuracy for accuracy in line.accuracy],
        mode="lines",
        line={
            "color": theme.VERMILLION if strong else theme.RULE,
            "width": 1.25 if strong else 1,
            "dash": "dash" if strong else "solid",
        },
        name="the baseline's reward" if strong else "equal reward",
        hoverinfo="skip",
        showlegend=strong or line is first,
        legendrank=2000,
    )


def _iso_labels(
    lines: tuple[IsoLine, ...], log_range: list[float], accuracies: tuple[float, float]
) -> list[dict[str, Any]]:
    """Each line's reward where the line leaves the axes, on the right or at the top."""
    labels = []
    for line in lines:
        inside = [
            (math.log10(cost), 100 * accuracy)
            for cost, accuracy in zip(line.macs, line.accuracy, strict=True)
            if log_range[0] <= math.log10(cost) <= log_range[1]
            and accuracies[0] <= 100 * accuracy <= accuracies[1]
        ]
        if not inside:
            continue
        x, y = inside[-1]
        right = x > log_range[1] - 0.03 * (log_range[1] - log_range[0])
        labels.append(
            {
                "x": log_range[1] if right else x,
                "y": y if right else accuracies[1],
                "text": line.label,
                "xanchor": "left" if right else "center",
                "yanchor": "middle" if right else "bottom",
                "showarrow": False,
                "font": {
                    "size": 11.5,
                    "color": theme.RUST if line.through_baseline else theme.MUTED,
                },
            }
        )
    return labels
